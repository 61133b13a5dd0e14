import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { list, path, port, text } from '../shared/process/setting.ts'

export const settings = {
  kubeconfig: path('credentials for the API server; the kubelet writes them', '/var/lib/kubelet/kubeconfig'),
  bindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_258),
  clusterDns: list('the address Pods ask, or one of each family; put on the loopback interface of this node', ['10.96.0.10']),
  clusterDomain: text('the domain of the cluster’s names', 'cluster.local'),
  port: port('the port Pods ask', 53),
  nodeName: text('this node; its address is what host.coxswain.internal stands for', ''),
  hostAddress: text('what host.coxswain.internal stands for: `node`, `gateway` (of the default route), or an address', 'node'),
  resolvConf: path('where the upstream servers stand', '/etc/resolv.conf'),
} satisfies SettingsTable

export type DnsConfig = ConfigOf<typeof settings>
