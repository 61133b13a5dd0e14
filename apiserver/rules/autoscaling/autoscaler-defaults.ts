import type { HorizontalPodAutoscaler, HPAScalingPolicy, HPAScalingRules } from '../../../shared/openapi/generated/autoscaling-v2.ts'

/** Percent of its request that a pod's CPU is kept at where an autoscaler names no metric. */
export const DEFAULT_CPU_UTILIZATION = 80

const PERIOD_SECONDS = 15
const doubling: HPAScalingPolicy = { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }
const fourPods: HPAScalingPolicy = { type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }

/** Upstream's defaults of autoscaling/v2. Edits in place. */
export function defaultAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  spec.minReplicas ??= 1
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: 'Utilization', averageUtilization: DEFAULT_CPU_UTILIZATION }
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
  }
  const { behavior } = spec
  if (!behavior) return
  // Downwards the window stays open: the controller's flag says how long it is.
  behavior.scaleUp = filled(behavior.scaleUp, { stabilizationWindowSeconds: 0, policies: [fourPods, doubling] })
  behavior.scaleDown = filled(behavior.scaleDown, { policies: [doubling] })
}

function filled(given: HPAScalingRules | undefined, rules: HPAScalingRules): HPAScalingRules {
  const { stabilizationWindowSeconds = rules.stabilizationWindowSeconds, selectPolicy = 'Max', tolerance } = given ?? {}
  const policies = given?.policies ?? rules.policies?.map((policy) => ({ ...policy }))
  return {
    ...(stabilizationWindowSeconds === undefined ? {} : { stabilizationWindowSeconds }),
    selectPolicy,
    ...(policies ? { policies } : {}),
    ...(tolerance === undefined ? {} : { tolerance }),
  }
}
