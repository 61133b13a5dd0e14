import { join } from 'node:path'
import type { ContainerConfig, ContainerLimits, SandboxConfig } from '../container-runtime.ts'
import type { HostLimits } from '../host-limits.ts'
import { engineCgroupParent } from '../pod-cgroup.ts'
import type { ContainerConfig as CriContainerConfig, LinuxContainerResources, PodSandboxConfig } from './cri-messages.ts'

/** Length of the CPU accounting period: 100 ms, the kernel's default and the unit of `cpuQuota`. */
const CPU_PERIOD_MICROSECONDS = 100_000

/** A path that hides nothing: an empty list of hidden paths reaches the runtime as "the usual ones". */
const NOTHING_HIDDEN = ['/proc/nothing-is-hidden']

/** What all requests of a node need. */
export interface CriPlace {
  /** Where logs lie for log agents, e.g. `/var/log/pods`. */
  logsDir: string
  cgroupDriver: string
  limits: HostLimits
}

/** The folder of a pod's logs, named as upstream's agents expect it. */
export function podLogFolder(logsDir: string, { namespace, name, uid }: SandboxConfig['pod']): string {
  return join(logsDir, `${namespace}_${name}_${uid}`)
}

/** A container's log within its pod's folder. */
export function logPathOf({ name, attempt }: { name: string; attempt: number }): string {
  return `${name}/${attempt}.log`
}

/** The sandbox of a pod; the runtime connects it to the network itself. */
export function sandboxRequest(config: SandboxConfig, labels: Record<string, string>, place: CriPlace): PodSandboxConfig {
  return {
    metadata: { ...config.pod, attempt: config.attempt },
    // With the machine's UTS namespace there is no host name of one's own.
    ...(config.hostNetwork ? {} : { hostname: config.hostname }),
    logDirectory: podLogFolder(place.logsDir, config.pod),
    dnsConfig: config.dns,
    portMappings: config.hostPorts.map(({ hostIP, ...port }) => ({ ...port, ...(hostIP ? { hostIp: hostIP } : {}) })),
    labels,
    linux: {
      cgroupParent: engineCgroupParent(config.cgroupParent, place.cgroupDriver),
      sysctls: config.sysctls,
      securityContext: {
        namespaceOptions: {
          network: config.hostNetwork ? 'NODE' : 'POD',
          pid: config.hostPID ? 'NODE' : config.sharedPID ? 'POD' : 'CONTAINER',
          ipc: config.hostIPC ? 'NODE' : 'POD',
        },
        // Containers may be privileged only in a privileged sandbox.
        privileged: (config.privileged ?? false) && place.limits.fullyPrivileged,
        seccomp: { profileType: 'RuntimeDefault' },
      },
    },
  }
}

/** A container of a sandbox. @param image the id of its image */
export function containerRequest(
  sandbox: SandboxConfig,
  config: ContainerConfig,
  image: string,
  labels: Record<string, string>,
  limits: HostLimits,
): CriContainerConfig {
  const propagation = { private: 'PROPAGATION_PRIVATE', rslave: 'PROPAGATION_HOST_TO_CONTAINER', rshared: 'PROPAGATION_BIDIRECTIONAL' }
  const { security, resources } = config
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image },
    ...(config.command ? { command: config.command } : {}),
    ...(config.args ? { args: config.args } : {}),
    ...(config.workingDir ? { workingDir: config.workingDir } : {}),
    envs: config.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })),
    mounts: config.mounts.map((mount) => ({
      containerPath: mount.target,
      hostPath: mount.source,
      readonly: mount.readOnly,
      propagation: propagation[mount.propagation],
    })),
    devices: config.devices.map(({ source, target, readOnly }) => ({
      ...{ hostPath: source, containerPath: target, permissions: readOnly ? 'r' : 'mrw' },
    })),
    labels,
    logPath: logPathOf(config),
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: {
        ...resourcesRequest(resources),
        oomScoreAdj: limits.negativeOomScore ? resources.oomScoreAdjust : Math.max(0, resources.oomScoreAdjust),
      },
      securityContext: {
        namespaceOptions: {
          network: sandbox.hostNetwork ? 'NODE' : 'POD',
          ipc: config.hostIPC ? 'NODE' : 'POD',
          ...pidNamespace(config.pidNamespaceOf),
        },
        ...userOf(security.user),
        supplementalGroups: security.groups,
        readonlyRootfs: security.readOnlyRootFilesystem,
        noNewPrivs: security.noNewPrivileges,
        ...privileges(security, limits),
      },
    },
  }
}

/** Limits as the runtime takes them, at creation and later; what is left out stays as it is. */
export function resourcesRequest({ cpuShares, cpuQuota, memoryLimitBytes }: ContainerLimits): Partial<LinuxContainerResources> {
  return {
    ...(cpuShares === undefined ? {} : { cpuShares }),
    ...(cpuQuota === undefined ? {} : { cpuPeriod: CPU_PERIOD_MICROSECONDS, cpuQuota }),
    // Equal limits mean: no swap on top.
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitInBytes: memoryLimitBytes, memorySwapLimitInBytes: memoryLimitBytes }),
  }
}

function pidNamespace(of: ContainerConfig['pidNamespaceOf']) {
  if (of === undefined) return { pid: 'CONTAINER' as const }
  if (of === 'host') return { pid: 'NODE' as const }
  return of === 'sandbox' ? { pid: 'POD' as const } : { pid: 'TARGET' as const, targetId: of.containerId }
}

/** `user:group`, each a number or (the user) a name; nothing: the image's. */
function userOf(user: string | undefined) {
  if (!user) return {}
  const [name = '', group] = user.split(':')
  const isNumber = /^\d+$/.test(name)
  return {
    ...(isNumber ? { runAsUser: { value: Number(name) } } : { runAsUsername: name }),
    ...(group !== undefined && /^\d+$/.test(group) ? { runAsGroup: { value: Number(group) } } : {}),
  }
}

/**
 * A privileged container gets what the machine itself has: on a machine with every capability the runtime's own `privileged`, elsewhere the
 * machine's set, no seccomp filter and nothing hidden.
 */
function privileges(security: ContainerConfig['security'], limits: HostLimits) {
  if (security.privileged && limits.fullyPrivileged) return { privileged: true }
  if (security.privileged) {
    return {
      capabilities: { addCapabilities: [...limits.capabilities], dropCapabilities: [] },
      seccomp: { profileType: 'Unconfined' as const },
      maskedPaths: NOTHING_HIDDEN,
      readonlyPaths: NOTHING_HIDDEN,
    }
  }
  return {
    capabilities: {
      addCapabilities: security.addCapabilities.flatMap((name) => (name.toUpperCase() === 'ALL' ? limits.capabilities : [name])),
      dropCapabilities: security.dropCapabilities,
    },
    seccomp: { profileType: security.seccomp === 'default' ? ('RuntimeDefault' as const) : ('Unconfined' as const) },
  }
}
