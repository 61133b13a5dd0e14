import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { hostPortsOf } from '../../shared/pods/host-ports.ts'
import { bandwidthOf } from '../network/bandwidth.ts'
import { podHostname } from '../network/hosts-file.ts'
import { type ClusterDns, type DnsConfig, podDns } from '../network/resolv-conf.ts'
import type { SandboxConfig } from '../runtime/container-runtime.ts'
import { podCgroup, podCpuShares } from './container-resources.ts'

/** What the runtime must know to make a pod's sandbox. @throws Error for what no sandbox here can give */
export function sandboxConfig(pod: Pod, attempt: number, cluster: ClusterDns, nodeDns: DnsConfig): SandboxConfig {
  const { spec, metadata } = pod
  const hostNetwork = spec.hostNetwork ?? false
  // Better no pod than one whose root is the machine's root.
  if (spec.hostUsers === false) throw new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
  return {
    pod: { namespace: metadata.namespace ?? '', name: metadata.name ?? '', uid: metadata.uid ?? '' },
    attempt,
    hostname: podHostname(pod, cluster.domain).hostname,
    hostNetwork,
    hostPID: spec.hostPID ?? false,
    hostIPC: spec.hostIPC ?? false,
    sharedPID: spec.shareProcessNamespace ?? false,
    privileged: [...(spec.initContainers ?? []), ...spec.containers].some(({ securityContext }) => securityContext?.privileged === true),
    dns: podDns(pod, cluster, nodeDns),
    hostPorts: hostNetwork ? [] : [...hostPortsOf(pod)],
    bandwidth: hostNetwork ? undefined : bandwidthOf(pod),
    sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
    cgroupParent: podCgroup(pod),
    cpuShares: podCpuShares(pod),
    labels: {},
  }
}
