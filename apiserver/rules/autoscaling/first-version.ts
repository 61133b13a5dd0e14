import type { HorizontalPodAutoscaler as FirstVersion } from '../../../shared/openapi/generated/autoscaling-v1.ts'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../../../shared/openapi/generated/autoscaling-v2.ts'
import { furtherVersion } from '../../registry/define-resource.ts'
import { annotated, fromAnnotation, isRecord } from './annotated-metrics.ts'
import { DEFAULT_CPU_UTILIZATION } from './autoscaler-defaults.ts'

const PREFIX = 'autoscaling.alpha.kubernetes.io'
/** What autoscaling/v1 has no fields for, as JSON in annotations of these names. They exist in v1 only. */
const annotation = {
  metrics: `${PREFIX}/metrics`,
  currentMetrics: `${PREFIX}/current-metrics`,
  conditions: `${PREFIX}/conditions`,
  behavior: `${PREFIX}/behavior`,
}

/** autoscaling/v1: one percentage of CPU; everything else travels in annotations, so that nothing is lost by reading and writing it. */
export const firstVersion = furtherVersion<'autoscaling/v1', 'HorizontalPodAutoscaler', HorizontalPodAutoscaler>(
  'autoscaling/v1',
  'HorizontalPodAutoscaler',
  { toStored, fromStored },
)

function fromStored({ metadata, spec, status }: HorizontalPodAutoscaler) {
  const { scaleTargetRef, minReplicas, maxReplicas, metrics = [], behavior } = spec
  const { observedGeneration, lastScaleTime, currentReplicas = 0, desiredReplicas, conditions = [] } = status
  const current = status.currentMetrics ?? []
  const others = metrics.filter((metric) => cpuTarget(metric) === undefined)
  const added: Record<string, string> = {
    ...(others.length > 0 ? { [annotation.metrics]: JSON.stringify(others.map((metric) => annotated(metric, 'spec'))) } : {}),
    // Also where the percentage says it: the amount behind it is only here.
    ...(current.length > 0 ? { [annotation.currentMetrics]: JSON.stringify(current.map((metric) => annotated(metric, 'status'))) } : {}),
    ...(conditions.length > 0 ? { [annotation.conditions]: JSON.stringify(conditions) } : {}),
    // Upstream writes a struct without field tags here: names begin with capitals.
    ...(behavior
      ? { [annotation.behavior]: JSON.stringify(renamed(behavior, (name) => name.charAt(0).toUpperCase() + name.slice(1))) }
      : {}),
  }
  const targetCPUUtilizationPercentage = metrics.map(cpuTarget).find((percent) => percent !== undefined)
  const currentCPUUtilizationPercentage = current.map(cpuUse).find((percent) => percent !== undefined)
  return {
    metadata: Object.keys(added).length > 0 ? { ...metadata, annotations: { ...metadata.annotations, ...added } } : metadata,
    spec: { scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage },
    status: { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentCPUUtilizationPercentage },
  }
}

function toStored({ metadata, spec, status }: FirstVersion) {
  const { scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage: percent } = spec
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentCPUUtilizationPercentage } = status
  const written = metadata.annotations ?? {}
  const others = listIn(written[annotation.metrics]).map((metric) => fromAnnotation(metric, 'spec') as MetricSpec)
  const cpu = percent === undefined ? [] : [cpuMetric(percent)]
  const metrics = [...others, ...cpu]
  const conditions = listIn(written[annotation.conditions])
  const behavior = renamed(parsed(written[annotation.behavior]), (name) => name.charAt(0).toLowerCase() + name.slice(1))
  const named = listIn(written[annotation.currentMetrics]).map((metric) => fromAnnotation(metric, 'status') as MetricStatus)
  const use = currentCPUUtilizationPercentage
  const fromPercent = use === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: use } } }]
  return {
    metadata: { ...metadata, annotations: without(written, Object.values(annotation)) },
    spec: {
      ...{ scaleTargetRef, minReplicas, maxReplicas },
      metrics: metrics.length > 0 ? metrics : [cpuMetric(DEFAULT_CPU_UTILIZATION)],
      ...(isRecord(behavior) && Object.keys(behavior).length > 0 ? { behavior } : {}),
    },
    status: {
      ...{ observedGeneration, lastScaleTime, currentReplicas, desiredReplicas },
      currentMetrics: named.length > 0 ? named : fromPercent,
      ...(conditions.length > 0 ? { conditions: conditions as never[] } : {}),
    },
  }
}

function cpuMetric(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }
}

function cpuTarget({ type, resource }: MetricSpec): number | undefined {
  return type === 'Resource' && resource?.name === 'cpu' ? resource.target.averageUtilization : undefined
}

function cpuUse({ type, resource }: MetricStatus): number | undefined {
  return type === 'Resource' && resource?.name === 'cpu' ? resource.current.averageUtilization : undefined
}

/** What cannot be read counts as absent, as upstream has it: the annotations are anybody's to write. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function listIn(text: string | undefined): unknown[] {
  const value = parsed(text)
  return Array.isArray(value) ? value : []
}

/** A behaviour is never nested deeper; what a stranger nests deeper is cut off. */
const DEEPEST = 6

/** The same with other field names, all the way down. */
function renamed(value: unknown, rename: (name: string) => string, depth = 0): unknown {
  if (depth > DEEPEST) return undefined
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename, depth + 1))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [rename(name), renamed(one, rename, depth + 1)]))
}

function without(all: Record<string, string>, names: readonly string[]): Record<string, string> | undefined {
  const left = Object.entries(all).filter(([name]) => !names.includes(name))
  return left.length > 0 ? Object.fromEntries(left) : undefined
}
