import type { Pod, SecurityContext } from '../../shared/openapi/generated/core-v1.ts'
import { allContainers } from './pod-containers.ts'
import type { SysctlNames } from './sysctl-names.ts'

/** What the machine has that a pod may count on. */
export interface MachineSupport {
  hasAppArmor(): boolean
  /** Kernel settings beside the harmless ones; absent: none. */
  allowedSysctls?: SysctlNames | undefined
  /** The engine leaves the groups of an image out of a container whose group is said (Docker does); others always merge them. */
  canLeaveGroupsOut?: boolean | undefined
}

/** Kernel settings of a pod's own namespaces that harm nobody else (upstream's list for kernels as new as any in use). */
const SAFE_SYSCTLS = new Set([
  ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range'],
  ...['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout'],
  ...['net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'],
])

/** Why this sort of node cannot run the pod as it asks, with upstream's reasons; undefined: it can. */
export function unsupported(pod: Pod, machine: MachineSupport): { reason: string; message: string } | undefined {
  const { os } = pod.spec
  if (os && os.name !== 'linux') {
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
  }
  return groupsRefusal(pod, machine) ?? sysctlRefusal(pod, machine) ?? appArmorRefusal(pod, machine)
}

function groupsRefusal(pod: Pod, { canLeaveGroupsOut }: MachineSupport): { reason: string; message: string } | undefined {
  const { supplementalGroupsPolicy: policy, runAsGroup } = pod.spec.securityContext ?? {}
  if (policy !== 'Strict') return undefined
  const isSaid = allContainers(pod).every(({ container }) => (container.securityContext?.runAsGroup ?? runAsGroup) !== undefined)
  if (canLeaveGroupsOut && isSaid) return undefined
  const cure = canLeaveGroupsOut ? ' without runAsGroup: the groups of an image are left out only of containers that say theirs' : ''
  const message = `SupplementalGroupsPolicy=${policy} is not supported in this node${cure}`
  return { reason: 'SupplementalGroupsPolicyNotSupported', message }
}

function sysctlRefusal({ spec }: Pod, { allowedSysctls }: MachineSupport): { reason: string; message: string } | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const dotted = name.replaceAll('/', '.')
    const reason = 'SysctlForbidden'
    if (!SAFE_SYSCTLS.has(dotted) && !allowedSysctls?.(dotted))
      return { reason, message: `forbidden sysctl: ${JSON.stringify(name)} not allowlisted` }
    if (spec.hostNetwork && dotted.startsWith('net.')) {
      return { reason, message: `forbidden sysctl: ${JSON.stringify(name)} not allowed with host net enabled` }
    }
    if (spec.hostIPC && !dotted.startsWith('net.')) {
      return { reason, message: `forbidden sysctl: ${JSON.stringify(name)} not allowed with host ipc enabled` }
    }
  }
  return undefined
}

function appArmorRefusal(pod: Pod, machine: MachineSupport): { reason: string; message: string } | undefined {
  const contexts: (Pick<SecurityContext, 'appArmorProfile'> | undefined)[] = [pod.spec.securityContext]
  for (const { container } of allContainers(pod)) contexts.push(container.securityContext)
  for (const profile of contexts.map((context) => context?.appArmorProfile)) {
    if (!profile || profile.type === 'Unconfined') continue
    if (profile.type === 'Localhost') {
      return { reason: 'AppArmor', message: `Cannot enforce AppArmor: profile ${JSON.stringify(profile.localhostProfile)} is not loaded` }
    }
    if (!machine.hasAppArmor()) return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' }
  }
  return undefined
}
