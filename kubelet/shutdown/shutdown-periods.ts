import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { ConfigError } from '../../shared/process/config.ts'
import { SYSTEM_CRITICAL_PRIORITY } from '../pods/pod-kinds.ts'

/** How long pods from a priority on have, when the node shuts down. */
export interface ShutdownPeriod {
  /** From this priority on, up to that of the next period. */
  priority: number
  seconds: number
}

export interface ShutdownSettings {
  /** Milliseconds. */
  shutdownGracePeriod: number
  shutdownGracePeriodCriticalPods: number
  /** `priority=seconds` texts. */
  shutdownGracePeriodByPodPriority: readonly string[]
}

/**
 * What upstream's three settings say together, lowest priority first; empty: the node does not wait for its pods. Of the whole period critical
 * pods have the last part.
 * @throws ConfigError naming the flag
 */
export function shutdownPeriods(settings: ShutdownSettings): ShutdownPeriod[] {
  const { shutdownGracePeriod: whole, shutdownGracePeriodCriticalPods: critical, shutdownGracePeriodByPodPriority: texts } = settings
  if (whole > 0 && whole < 1_000) throw new ConfigError('--shutdown-grace-period: must be 0 or at least 1s')
  if (critical > 0 && critical < 1_000) throw new ConfigError('--shutdown-grace-period-critical-pods: must be 0 or at least 1s')
  if (critical > whole) throw new ConfigError('--shutdown-grace-period-critical-pods: must not be longer than --shutdown-grace-period')
  if (texts.length > 0) {
    if (whole > 0)
      throw new ConfigError('--shutdown-grace-period-by-pod-priority: cannot be given together with --shutdown-grace-period; leave one out')
    return byPriority(texts)
  }
  if (whole === 0) return []
  return [
    { priority: 0, seconds: Math.floor((whole - critical) / 1_000) },
    { priority: SYSTEM_CRITICAL_PRIORITY, seconds: Math.floor(critical / 1_000) },
  ]
}

function byPriority(texts: readonly string[]): ShutdownPeriod[] {
  const periods = texts.map((text) => {
    const [, priority, seconds] = /^(-?\d{1,10})=(\d{1,7})$/.exec(text) ?? []
    if (priority === undefined || seconds === undefined)
      throw new ConfigError(`--shutdown-grace-period-by-pod-priority: ${JSON.stringify(text)} is not priority=seconds`)
    return { priority: Number(priority), seconds: Number(seconds) }
  })
  if (new Set(periods.map(({ priority }) => priority)).size < periods.length)
    throw new ConfigError('--shutdown-grace-period-by-pod-priority: a priority is there twice')
  return periods.sort((one, other) => one.priority - other.priority)
}

/** Pods that end together, and their time. */
export interface ShutdownGroup {
  seconds: number
  pods: Pod[]
}

/**
 * In which order pods end (KEP-2712): each in the period of the highest priority that is not above its own; those below all of them in the first.
 * What has ended is not in any group, and a period without pods costs no time.
 */
export function shutdownGroups(pods: readonly Pod[], periods: readonly ShutdownPeriod[]): ShutdownGroup[] {
  const groups = periods.map(({ priority, seconds }) => ({ priority, seconds, pods: [] as Pod[] }))
  for (const pod of pods) {
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') continue
    const own = pod.spec.priority ?? 0
    const group = groups.findLast(({ priority }) => priority <= own) ?? groups[0]
    group?.pods.push(pod)
  }
  return groups.filter((group) => group.pods.length > 0).map(({ seconds, pods: some }) => ({ seconds, pods: some }))
}
