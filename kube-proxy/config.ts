import { OVERLAYS } from '../shared/pods/overlay.ts'
import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { boolean, choice, list, path, port, ranges, text } from '../shared/process/setting.ts'

export const settings = {
  kubeconfig: path('credentials for the API server; the kubelet writes them', '/var/lib/kubelet/kubeconfig'),
  nodeName: text('the node this proxy works for; must be given, but for --cleanup', ''),
  cleanup: boolean('takes the tables, routes, interface and announced addresses of this proxy off the machine, and ends', false),
  bindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_256),
  clusterCidr: ranges('all Pod addresses, a range for each family; the first family is the primary one', ['10.244.0.0/16']),
  serviceClusterIpRange: ranges('all cluster IPs, of the same families', ['10.96.0.0/16']),
  nodeLocalAddresses: list('cluster IPs that something on each node answers itself', ['10.96.0.10']),
  nodePortAddresses: list(
    "where node ports are served: ranges, or `primary` for the node's first address; nothing is everywhere but on loopback",
    [],
  ),
  overlay: choice(
    'how other nodes are reached: by routes on one link and wrapped beyond, or always one of them; the kubelets are told the same',
    OVERLAYS,
    'auto',
  ),
  overlayPort: port('UDP port of wrapped packets, open between the nodes', 8472),
  overlayDevice: text('the interface that wraps', 'coxswain-vxlan'),
  table: text('the nftables table of Services; nothing outside it and the next is touched', 'coxswain'),
  policyTable: text('the nftables table of network policies', 'coxswain-policy'),
} satisfies SettingsTable

export type KubeProxyConfig = ConfigOf<typeof settings>
