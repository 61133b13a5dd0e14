import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { ConfigError } from '../../shared/process/config.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { pause } from '../../shared/time/pause.ts'
import { type GroupLimits, limitGroup } from '../runtime/limit-group.ts'
import { type Capacity, type MachinePlaces, measureCapacity, measureHeadroom } from './capacity.ts'
import type { Reserved } from './node-report.ts'
import { amountsReserved } from './node-settings.ts'

/** Whom the kernel is to hold to what is his. */
export interface Enforcement {
  pods: boolean
  /** What is kept back for others: those may not have more either. */
  groups: readonly { name: string; path: string; limits: GroupLimits }[]
}

export interface EnforcementSettings {
  enforceNodeAllocatable: readonly string[]
  systemReserved: readonly string[]
  kubeReserved: readonly string[]
  systemReservedCgroup?: string | undefined
  kubeReservedCgroup?: string | undefined
}

const KEYS = ['pods', 'system-reserved', 'system-reserved-compressible', 'kube-reserved', 'kube-reserved-compressible', 'none']
const FLAG = '--enforce-node-allocatable'

/** @throws ConfigError naming the flag */
export function enforcementOf(settings: EnforcementSettings): Enforcement {
  const wanted = settings.enforceNodeAllocatable
  for (const key of wanted) if (!KEYS.includes(key)) throw new ConfigError(`${FLAG}: ${JSON.stringify(key)} is none of ${KEYS.join(', ')}`)
  if (wanted.includes('none') && wanted.length > 1) throw new ConfigError(`${FLAG}: none goes with nothing else`)
  const parts = [
    { name: 'system-reserved', amounts: settings.systemReserved, path: settings.systemReservedCgroup },
    { name: 'kube-reserved', amounts: settings.kubeReserved, path: settings.kubeReservedCgroup },
  ]
  const groups = parts.flatMap(({ name, amounts, path }) => {
    const isCpuAlone = wanted.includes(`${name}-compressible`)
    if (!isCpuAlone && !wanted.includes(name)) return []
    if (isCpuAlone && wanted.includes(name)) throw new ConfigError(`${FLAG}: ${name} and ${name}-compressible exclude each other`)
    if (!path) throw new ConfigError(`${FLAG}: ${name} needs --${name}-cgroup`)
    const { cpuMillis, memoryBytes, pids } = amountsReserved(name, amounts)
    const cpu = cpuMillis > 0 ? { cpuShares: sharesOf(cpuMillis) } : {}
    return [{ name, path, limits: isCpuAlone ? cpu : { ...cpu, ...(memoryBytes > 0 ? { memoryBytes } : {}), pids } }]
  })
  return { pods: wanted.includes('pods'), groups }
}

/** What all pods may have together: what nobody else was promised. Pure. @param processes that the kernel can make; undefined: it does not say */
export function limitsOfPods(capacity: Capacity, reserved: Reserved, processes: number | undefined): GroupLimits {
  const pids = reserved.pids === undefined || processes === undefined ? undefined : Math.max(1, processes - reserved.pids)
  return {
    cpuShares: sharesOf(capacity.cpuMillis - reserved.cpuMillis),
    memoryBytes: Math.max(0, capacity.memoryBytes - reserved.memoryBytes),
    ...(pids === undefined ? {} : { pids }),
  }
}

/** The same, measured anew at each call. */
export function podLimits(places: MachinePlaces, reserved: Reserved): () => Promise<GroupLimits> {
  return async () => {
    const [capacity, { processesTotal }] = await Promise.all([measureCapacity(places), measureHeadroom(places)])
    return limitsOfPods(capacity, reserved, processesTotal)
  }
}

function sharesOf(cpuMillis: number): number {
  return Math.max(2, Math.floor((cpuMillis * 1024) / 1000))
}

export interface AllocatableOptions {
  enforcement: Enforcement
  /** What the pods of now may have. */
  limits(): Promise<GroupLimits>
  /** The runtime's; absent: it has no say in that. */
  limitPods?: ((limits: GroupLimits) => Promise<void>) | undefined
  /** Whom it is told of. */
  node: KubeObject
  events: EventRecorder
  clock: Clock
  log: Logger
  /** Where control groups are; tests hand in a folder. */
  root?: string
}

/** Upstream's pace. */
const LOOK_MILLISECONDS = 60_000

/**
 * Keeps the groups limited, also when the machine becomes another. What cannot be done is told once, in upstream's words, and tried again: pods run all
 * the same, and only the kernel's protection of the others is missing.
 */
export async function enforceAllocatable(options: AllocatableOptions, signal: AbortSignal): Promise<void> {
  const { enforcement, limits, limitPods, node, events, clock, log, root = '/sys/fs/cgroup' } = options
  /** By group: what was said last. */
  const told = new Map<string, string>()
  const tell = (group: string, what: string, type: 'Normal' | 'Warning', message: string) => {
    if (told.get(group) === message) return
    told.set(group, message)
    events.record(node, type, what, message)
    log.info('control group', { group, message })
  }
  const hold = async (group: string, title: string, act: () => Promise<void>) => {
    try {
      await act()
      tell(group, 'NodeAllocatableEnforced', 'Normal', `Updated Node Allocatable limit across ${title}`)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      tell(
        group,
        'FailedNodeAllocatableEnforcement',
        'Warning',
        `Failed to update Node Allocatable Limits ${JSON.stringify(group)}: ${why}`,
      )
    }
  }
  while (!signal.aborted) {
    if (enforcement.pods && limitPods) await hold('kubepods', 'pods', async () => limitPods(await limits()))
    for (const { name, path, limits: own } of enforcement.groups) await hold(path, name, () => limitGroup(path, own, root))
    await pause(clock, LOOK_MILLISECONDS, signal)
  }
}
