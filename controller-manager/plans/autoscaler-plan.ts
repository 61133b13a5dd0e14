import type { MetricStatus } from '../../shared/openapi/generated/autoscaling-v2.ts'

/** What the metrics together ask for. */
export type Demand =
  | { readonly kind: 'size'; readonly replicas: number; readonly what: string; readonly statuses: readonly MetricStatus[] }
  | {
      readonly kind: 'unknown'
      readonly reason: string
      readonly message: string
      readonly summary: string
      readonly statuses: readonly MetricStatus[]
    }

/** One metric's answer: a size, or why there is none. */
export type Answer =
  | { readonly replicas: number; readonly what: string; readonly status: MetricStatus }
  | { readonly reason: string; readonly message: string; readonly summary: string; readonly type: string }

/**
 * The largest of what the metrics ask for. Where some of them are unknown the rest may scale up, but not down: the unknown one might
 * have asked for more.
 */
export function demandOf(answers: readonly Answer[], current: number): Demand {
  const known = answers.filter((answer) => 'replicas' in answer)
  const unknown = answers.filter((answer) => 'reason' in answer)
  const statuses = answers.map((answer) => ('status' in answer ? answer.status : { type: '' }))
  const largest = known.reduce<(typeof known)[number] | undefined>(
    (most, one) => (most === undefined || most.replicas === 0 || one.replicas > most.replicas ? one : most),
    undefined,
  )
  const [first] = unknown
  if (first && (!largest || largest.replicas < current)) {
    const { reason, message } = first
    const summary = `invalid metrics (${unknown.length} invalid out of ${answers.length}), first error is: ${first.summary}`
    return { kind: 'unknown', reason, message: `the HPA was unable to compute the replica count: ${message}`, summary, statuses }
  }
  return { kind: 'size', replicas: largest?.replicas ?? 0, what: largest?.what ?? '', statuses }
}

export type Bounds =
  /** Somebody set the target to zero: that switches the autoscaler off. */
  | { readonly kind: 'off' }
  /** Outside its bounds, it is brought inside without asking any metric. */
  | { readonly kind: 'step'; readonly replicas: number; readonly why: string }
  | { readonly kind: 'measure' }

/** What comes before any metric. */
export function boundsFirst({ current, min, max }: { current: number; min: number; max: number }): Bounds {
  if (current === 0 && min !== 0) return { kind: 'off' }
  if (current > max) return { kind: 'step', replicas: max, why: 'Current number of replicas above Spec.MaxReplicas' }
  if (current < min) return { kind: 'step', replicas: min, why: 'Current number of replicas below Spec.MinReplicas' }
  return { kind: 'measure' }
}

/** Why the size changes, as the event says it. */
export function rescaleReason(demand: { readonly replicas: number; readonly what: string }, current: number): string {
  if (demand.replicas > current) return `${demand.what} above target`
  return demand.replicas < current ? 'All metrics below target' : ''
}
