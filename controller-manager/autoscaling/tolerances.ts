import type { HorizontalPodAutoscalerBehavior } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { parseQuantity } from '../../shared/quantity/quantity.ts'
import type { Tolerances } from '../plans/autoscaler-usage.ts'

/** What an autoscaler says itself (KEP-4951), in each direction, else the flag's. */
export function tolerancesOf(behavior: HorizontalPodAutoscalerBehavior | undefined, otherwise: number): Tolerances {
  const own = (text: string | undefined) => (text === undefined ? otherwise : Number(parseQuantity(text).nano) / 1e9)
  return { up: own(behavior?.scaleUp?.tolerance), down: own(behavior?.scaleDown?.tolerance) }
}
