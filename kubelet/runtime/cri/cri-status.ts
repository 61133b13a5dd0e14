import type { ContainerLimits, ContainerStatus, SandboxStatus } from '../container-runtime.ts'
import { label, podOf } from '../owner-labels.ts'
import type { CriContainerStatus, LinuxContainerResources, PodSandboxStatus } from './cri-messages.ts'

/** The image's id: what a container says of its image may be a digest reference. */
export const imageIdLabel = 'coxswain.image-id'

/** The signal that the pod's spec names for its end, which runtimes take only since version 2 of containerd. */
export const stopSignalLabel = 'coxswain.stop-signal'

/** Whether it has a terminal and an input, which the interface does not say of a container: `tty`, `stdin`. */
export const ioLabel = 'coxswain.io'

const CPU_PERIOD_MICROSECONDS = 100_000

/** What runtimes tell beyond the interface when asked to be verbose; containerd and CRI-O both tell these. */
export interface ProcessInfo {
  pid: number | undefined
  resources: ContainerLimits | undefined
}

/** Milliseconds of the runtime's nanoseconds; its zero is undefined. */
export function criTime(nanoseconds: string): number | undefined {
  const value = BigInt(nanoseconds)
  return value > 0n ? Number(value / 1_000_000n) : undefined
}

export function sandboxStatus(status: PodSandboxStatus): SandboxStatus {
  const isReady = status.state === 'SANDBOX_READY'
  const { network, labels } = status
  const found = [network?.ip ?? '', ...(network?.additionalIps ?? []).map(({ ip }) => ip)].filter((ip) => ip !== '')
  const hasOwn = isReady && labels[label.hostNetwork] !== 'true'
  return {
    id: status.id,
    // A sandbox that lives without an address lost its network.
    state: isReady && (!hasOwn || found.length > 0) ? 'ready' : 'notReady',
    attempt: status.metadata?.attempt ?? 0,
    pod: podOf(labels),
    createdAt: criTime(status.createdAt) ?? 0,
    ips: hasOwn ? found : [],
    labels,
  }
}

export function containerStatus(status: CriContainerStatus, info: ProcessInfo): ContainerStatus {
  const { labels } = status
  const createdAt = criTime(status.createdAt) ?? 0
  const common = {
    id: status.id,
    sandboxId: labels[label.sandbox] ?? '',
    podUid: labels[label.podUid] ?? '',
    name: status.metadata?.name ?? '',
    attempt: status.metadata?.attempt ?? 0,
    image: labels[label.image] ?? '',
    imageId: labels[imageIdLabel] ?? status.imageRef,
    createdAt,
    resources: status.resources?.linux ? limitsOf(status.resources.linux) : info.resources,
    labels,
  }
  const startedAt = criTime(status.startedAt)
  switch (status.state) {
    case 'CONTAINER_CREATED':
      return { ...common, state: 'created' }
    case 'CONTAINER_RUNNING':
      return { ...common, state: 'running', startedAt }
    case 'CONTAINER_UNKNOWN':
      // The runtime lost track of it across its own restart; upstream's words.
      return { ...common, state: 'exited', startedAt, finishedAt: startedAt ?? createdAt, exitCode: 137, reason: 'ContainerStatusUnknown' }
    case 'CONTAINER_EXITED':
      return {
        ...common,
        state: 'exited',
        startedAt,
        finishedAt: criTime(status.finishedAt) ?? startedAt ?? createdAt,
        exitCode: status.exitCode,
        reason: status.reason || (status.exitCode === 0 ? 'Completed' : 'Error'),
        message: status.message || undefined,
      }
  }
}

function limitsOf({ cpuShares, cpuPeriod, cpuQuota, memoryLimitInBytes }: LinuxContainerResources): ContainerLimits {
  return limits(Number(cpuShares), Number(cpuQuota), Number(cpuPeriod), Number(memoryLimitInBytes))
}

/** Reads the JSON text that comes with a verbose answer; unknown is what it does not say. */
export function processInfo(info: Readonly<Record<string, string>>): ProcessInfo {
  const told = parsed(info['info'])
  const pid = told?.['pid']
  const spec = asRecord(asRecord(asRecord(told?.['runtimeSpec'])?.['linux'])?.['resources'])
  const cpu = asRecord(spec?.['cpu'])
  return {
    pid: typeof pid === 'number' && pid > 0 ? pid : undefined,
    resources:
      spec &&
      limits(numberOf(cpu?.['shares']), numberOf(cpu?.['quota']), numberOf(cpu?.['period']), numberOf(asRecord(spec['memory'])?.['limit'])),
  }
}

function limits(shares: number, quota: number, period: number, memory: number): ContainerLimits {
  return {
    cpuShares: shares || undefined,
    cpuQuota: quota > 0 ? Math.round((quota * CPU_PERIOD_MICROSECONDS) / (period || CPU_PERIOD_MICROSECONDS)) : undefined,
    memoryLimitBytes: memory > 0 ? memory : undefined,
  }
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(text ?? '{}'))
  } catch {
    return undefined // another runtime's idea of being verbose
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
