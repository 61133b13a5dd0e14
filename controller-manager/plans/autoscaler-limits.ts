import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../../shared/openapi/generated/autoscaling-v2.ts'

/** A number at a time (milliseconds since the epoch): a recommendation, or a change of size. */
export interface At {
  readonly replicas: number
  readonly at: number
}

/** What an autoscaler remembers of itself. Lost with the process, as upstream's is: the first recommendation after that is the present size. */
export interface AutoscalerHistory {
  readonly recommendations: readonly At[]
  /** Pods added and removed. */
  readonly added: readonly At[]
  readonly removed: readonly At[]
}

export interface LimitInput {
  readonly current: number
  /** What the metrics ask for. */
  readonly wanted: number
  readonly min: number
  readonly max: number
  readonly behavior: HorizontalPodAutoscalerBehavior | undefined
  /** Milliseconds; where the behaviour says nothing. */
  readonly downscaleWindow: number
  readonly history: AutoscalerHistory
  readonly now: number
}

export interface Reasoned {
  readonly reason: string
  readonly message: string
}

export interface Limited {
  readonly replicas: number
  /** For AbleToScale, which is true. */
  readonly able: Reasoned
  /** For ScalingLimited. */
  readonly limit: Reasoned & { readonly isLimited: boolean }
}

const within: Reasoned = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const ready: Reasoned = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const heldUp: Reasoned = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}
const heldDown: Reasoned = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}
const tooMany: Reasoned = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }
const tooFew: Reasoned = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }
const tooFastUp: Reasoned = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
}
const tooFastDown: Reasoned = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
}

/** Without a behaviour a size may double at once, or become this. */
const SMALL = 4

/** What becomes of a wish: recent recommendations hold it, then bounds and rates do. */
export function limitReplicas(input: LimitInput): Limited {
  const { behavior } = input
  return behavior ? limitByBehavior(input, behavior) : limitByDefault(input)
}

function limitByDefault({ current, wanted, min, max, downscaleWindow, history, now }: LimitInput): Limited {
  const recent = history.recommendations.filter(({ at }) => at >= now - downscaleWindow).map(({ replicas }) => replicas)
  const held = Math.max(wanted, ...recent)
  const able = held === wanted ? ready : heldUp
  const fastest = Math.max(2 * current, SMALL)
  const most = Math.min(max, fastest)
  const why = max > fastest ? tooFastUp : tooMany
  const [replicas, limit] = held < min ? [min, tooFew] : held > most ? [most, why] : [held, within]
  return { replicas, able, limit: { ...limit, isLimited: replicas !== held } }
}

function limitByBehavior(input: LimitInput, { scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): Limited {
  const { current, wanted, min, max, history, now } = input
  const { up, down } = windowsOf(input)
  let lowest = wanted
  let highest = wanted
  for (const { replicas, at } of history.recommendations) {
    if (at > now - up) lowest = Math.min(lowest, replicas)
    if (at > now - down) highest = Math.max(highest, replicas)
  }
  const held = Math.min(Math.max(current, lowest), highest)
  const able = held === wanted ? ready : wanted >= current ? heldDown : heldUp
  const unlimited: Limited = { replicas: held, able, limit: { ...within, isLimited: false } }
  if (held > current) {
    const fastest = Math.max(current, fastestUp(current, history, scaleUp, now))
    const [most, why] = max > fastest ? [fastest, tooFastUp] : [max, tooMany]
    return held > most ? { replicas: most, able, limit: { ...why, isLimited: true } } : unlimited
  }
  if (held < current) {
    const fastest = Math.min(current, fastestDown(current, history, scaleDown, now))
    const [least, why] = min < fastest ? [fastest, tooFastDown] : [min, tooFew]
    return held < least ? { replicas: least, able, limit: { ...why, isLimited: true } } : unlimited
  }
  return unlimited
}

/** Stabilisation windows in milliseconds. */
function windowsOf({ behavior, downscaleWindow }: Pick<LimitInput, 'behavior' | 'downscaleWindow'>): { up: number; down: number } {
  const own = behavior?.scaleDown?.stabilizationWindowSeconds
  return { up: (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000, down: own === undefined ? downscaleWindow : own * 1000 }
}

/** How many there may be at most: each policy counts from the size at the beginning of its period. */
function fastestUp(current: number, history: AutoscalerHistory, rules: HPAScalingRules | undefined, now: number): number {
  if (rules?.selectPolicy === 'Disabled') return current
  const proposals = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = sizeBefore(current, history, periodSeconds, now)
    // Upwards, so that a percentage of a small number is a pod at least.
    return type === 'Pods' ? before + value : Math.ceil(Math.round(before * (100 + value) * 1e6) / 1e8)
  })
  return rules?.selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals)
}

/** How few there may be at least. */
function fastestDown(current: number, history: AutoscalerHistory, rules: HPAScalingRules | undefined, now: number): number {
  if (rules?.selectPolicy === 'Disabled') return current
  const proposals = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = sizeBefore(current, history, periodSeconds, now)
    return type === 'Pods' ? before - value : Math.trunc(Math.round(before * (100 - value) * 1e6) / 1e8)
  })
  // The smallest change leaves the most.
  return rules?.selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals)
}

function sizeBefore(current: number, { added, removed }: AutoscalerHistory, periodSeconds: number, now: number): number {
  const sum = (changes: readonly At[]) =>
    changes.reduce((total, { replicas, at }) => (at > now - periodSeconds * 1000 ? total + replicas : total), 0)
  return current - sum(added) + sum(removed)
}

/** What is still of use after a look at `now`: recommendations within the longer window, changes within the longest period. */
export function remembered(
  history: AutoscalerHistory,
  news: { readonly wanted?: number | undefined; readonly from: number; readonly to: number },
  { behavior, downscaleWindow, now }: Pick<LimitInput, 'behavior' | 'downscaleWindow' | 'now'>,
): AutoscalerHistory {
  const { up, down } = windowsOf({ behavior, downscaleWindow })
  const kept = history.recommendations.filter(({ at }) => at >= now - Math.max(up, down))
  const periodOf = (rules: HPAScalingRules | undefined) => Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds))
  const period = Math.max(periodOf(behavior?.scaleUp), periodOf(behavior?.scaleDown)) * 1000
  const recent = (changes: readonly At[]) => changes.filter(({ at }) => at > now - period)
  const change = news.to - news.from
  return {
    recommendations: news.wanted === undefined ? kept : [...kept, { replicas: news.wanted, at: now }],
    added: [...recent(history.added), ...(behavior && change > 0 ? [{ replicas: change, at: now }] : [])],
    removed: [...recent(history.removed), ...(behavior && change < 0 ? [{ replicas: -change, at: now }] : [])],
  }
}
