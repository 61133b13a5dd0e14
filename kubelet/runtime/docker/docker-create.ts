import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import type { ContainerConfig, ContainerLimits, SandboxConfig } from '../container-runtime.ts'
import type { HostLimits } from '../host-limits.ts'
import { type LogLimits, USUAL_LOGS } from '../log-limits.ts'
import { engineCgroupParent } from '../pod-cgroup.ts'

/** Length of the CPU accounting period: 100 ms, the kernel's default and the unit of `cpuQuota`. */
const CPU_PERIOD_MICROSECONDS = 100_000

/** The body that creates a sandbox. Addresses come later, through CNI; everything that joining containers may not say is said here. */
export function sandboxBody(
  config: SandboxConfig,
  image: string,
  labels: Record<string, string>,
  cgroupDriver: string,
  limits: HostLimits,
): ContainerCreateOptions {
  const parent = engineCgroupParent(config.cgroupParent, cgroupDriver)
  return {
    Image: image,
    Labels: labels,
    // With the machine's UTS namespace the engine refuses a host name of one's own.
    ...(config.hostNetwork ? {} : { Hostname: config.hostname }),
    HostConfig: {
      NetworkMode: config.hostNetwork ? 'host' : 'none',
      ...(config.runtimeHandler ? { Runtime: config.runtimeHandler } : {}),
      ...(config.hostNetwork ? { UTSMode: 'host' } : {}),
      IpcMode: config.hostIPC ? 'host' : 'shareable',
      ...(config.hostPID ? { PidMode: 'host' } : {}),
      Dns: config.dns.servers,
      DnsSearch: config.dns.searches,
      DnsOptions: config.dns.options,
      Sysctls: config.sysctls,
      ...(parent ? { CgroupParent: parent } : {}),
      RestartPolicy: { Name: 'no' },
      SecurityOpt: ['no-new-privileges'],
      OomScoreAdj: limits.negativeOomScore ? -998 : 0,
      CpuShares: 2,
      // The pause process never writes.
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}

/** The body that creates a container in a sandbox. */
export function containerBody(
  sandbox: { id: string; cgroupParent: string; hostNetwork?: boolean; runtime?: string | undefined },
  config: ContainerConfig,
  labels: Record<string, string>,
  cgroupDriver: string,
  limits: HostLimits,
  logs: LogLimits = USUAL_LOGS,
): ContainerCreateOptions {
  const parent = engineCgroupParent(sandbox.cgroupParent, cgroupDriver)
  const { resources, security } = config
  const join = `container:${sandbox.id}`
  const host: HostConfig = {
    NetworkMode: join,
    ...(sandbox.hostNetwork ? { UTSMode: 'host' } : {}),
    IpcMode: config.hostIPC ? 'host' : join,
    ...(sandbox.runtime ? { Runtime: sandbox.runtime } : {}),
    ...(config.pidNamespaceOf ? { PidMode: pidMode(config.pidNamespaceOf, join) } : {}),
    Mounts: config.mounts.map((mount) => ({
      Type: 'bind' as const,
      Source: mount.source,
      Target: mount.target,
      ReadOnly: mount.readOnly,
      // Private is what the engine does by itself, and named it refuses the folders that it keeps its own mounts in, `/` above all.
      ...(mount.propagation === 'private' ? {} : { BindOptions: { Propagation: mount.propagation } }),
    })),
    ...(config.devices.length > 0
      ? {
          Devices: config.devices.map(({ source, target, readOnly }) => ({
            ...{ PathOnHost: source, PathInContainer: target, CgroupPermissions: readOnly ? 'r' : 'mrw' },
          })),
        }
      : {}),
    ...(parent ? { CgroupParent: parent } : {}),
    RestartPolicy: { Name: 'no' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': `${logs.bytes}b`, 'max-file': `${logs.files}` } },
    ...limitsBody(resources),
    OomScoreAdj: limits.negativeOomScore ? resources.oomScoreAdjust : Math.max(0, resources.oomScoreAdjust),
    ReadonlyRootfs: security.readOnlyRootFilesystem,
    GroupAdd: security.groups.map(String),
    ...securityOptions(security, limits),
  }
  return {
    Image: config.image,
    Labels: labels,
    Env: config.env.map(({ name, value }) => `${name}=${value}`),
    // The image's own health check would run beside the pod's probes.
    Healthcheck: { Test: ['NONE'] },
    Tty: config.tty,
    OpenStdin: config.stdin,
    StdinOnce: config.stdinOnce,
    ...(config.command ? { Entrypoint: config.command } : {}),
    ...(config.args ? { Cmd: config.args } : {}),
    ...(config.workingDir ? { WorkingDir: config.workingDir } : {}),
    ...(security.user === undefined ? {} : { User: security.user }),
    ...(config.stopSignal ? { StopSignal: config.stopSignal } : {}),
    HostConfig: host,
  }
}

/** Limits as the engine takes them, at creation and later. */
export function limitsBody({ cpuShares, cpuQuota, memoryLimitBytes }: ContainerLimits) {
  return {
    CpuShares: cpuShares ?? 0,
    ...(cpuQuota === undefined ? {} : { CpuPeriod: CPU_PERIOD_MICROSECONDS, CpuQuota: cpuQuota }),
    // Equal limits mean: no swap on top.
    ...(memoryLimitBytes === undefined ? {} : { Memory: memoryLimitBytes, MemorySwap: memoryLimitBytes }),
  }
}

/** The reverse: what the engine says a container may have. */
export function limitsOf({ CpuShares, CpuPeriod, CpuQuota, Memory }: HostConfig): ContainerLimits {
  const period = CpuPeriod || CPU_PERIOD_MICROSECONDS
  return {
    cpuShares: CpuShares || undefined,
    cpuQuota: CpuQuota && CpuQuota > 0 ? Math.round((CpuQuota * CPU_PERIOD_MICROSECONDS) / period) : undefined,
    memoryLimitBytes: Memory || undefined,
  }
}

function pidMode(of: NonNullable<ContainerConfig['pidNamespaceOf']>, sandbox: string): string {
  if (of === 'host') return 'host'
  return of === 'sandbox' ? sandbox : `container:${of.containerId}`
}

/**
 * A privileged container gets what the machine itself has. On a machine with every capability that is the engine's own
 * `privileged`; elsewhere the engine would fail, so it gets the machine's set, no seccomp filter and nothing masked.
 */
function securityOptions(security: ContainerConfig['security'], limits: HostLimits): HostConfig {
  if (security.privileged && limits.fullyPrivileged) return { Privileged: true }
  if (security.privileged) {
    return {
      CapAdd: [...limits.capabilities],
      SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable'],
      MaskedPaths: [],
      ReadonlyPaths: [],
    }
  }
  return {
    CapAdd: security.addCapabilities.flatMap((name) => (name.toUpperCase() === 'ALL' ? limits.capabilities : [name])),
    CapDrop: security.dropCapabilities,
    SecurityOpt: [
      ...(security.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(security.seccomp === 'unconfined' ? ['seccomp=unconfined'] : []),
    ],
  }
}
