import type { HorizontalPodAutoscalerCondition } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { timestamp } from '../../shared/time/timestamp.ts'

export type ConditionType = 'AbleToScale' | 'ScalingActive' | 'ScalingLimited'

/** The list with one condition set; its time changes with its status only. */
export function withCondition(
  conditions: readonly HorizontalPodAutoscalerCondition[],
  type: ConditionType,
  isTrue: boolean,
  { reason, message }: { reason: string; message: string },
  now: number,
): HorizontalPodAutoscalerCondition[] {
  const status = isTrue ? 'True' : 'False'
  const known = conditions.find((each) => each.type === type)
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : timestamp(now)
  const next = { type, status, lastTransitionTime, reason, message }
  return known ? conditions.map((each) => (each === known ? next : each)) : [...conditions, next]
}
