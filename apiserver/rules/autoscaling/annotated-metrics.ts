import type { MetricSpec, MetricStatus } from '../../../shared/openapi/generated/autoscaling-v2.ts'

/**
 * How the annotations of autoscaling/v1 spell metrics: the field names of the first alpha version, kept by upstream for ever
 * (`k8s.io/api/autoscaling/v1` MetricSpec and MetricStatus). Each row: the path in autoscaling/v2, the name in the annotation.
 */
type Spelling = readonly (readonly [path: string, name: string])[]

const names: Readonly<Record<string, { spec: Spelling; status: Spelling }>> = {
  resource: {
    spec: [
      ['name', 'name'],
      ['target.averageUtilization', 'targetAverageUtilization'],
      ['target.averageValue', 'targetAverageValue'],
    ],
    status: [
      ['name', 'name'],
      ['current.averageUtilization', 'currentAverageUtilization'],
      ['current.averageValue', 'currentAverageValue'],
    ],
  },
  pods: {
    spec: [
      ['metric.name', 'metricName'],
      ['metric.selector', 'selector'],
      ['target.averageValue', 'targetAverageValue'],
    ],
    status: [
      ['metric.name', 'metricName'],
      ['metric.selector', 'selector'],
      ['current.averageValue', 'currentAverageValue'],
    ],
  },
  object: {
    spec: [
      ['describedObject', 'target'],
      ['metric.name', 'metricName'],
      ['target.value', 'targetValue'],
      ['metric.selector', 'selector'],
      ['target.averageValue', 'averageValue'],
    ],
    status: [
      ['describedObject', 'target'],
      ['metric.name', 'metricName'],
      ['current.value', 'currentValue'],
      ['metric.selector', 'selector'],
      ['current.averageValue', 'averageValue'],
    ],
  },
  external: {
    spec: [
      ['metric.name', 'metricName'],
      ['metric.selector', 'metricSelector'],
      ['target.value', 'targetValue'],
      ['target.averageValue', 'targetAverageValue'],
    ],
    status: [
      ['metric.name', 'metricName'],
      ['metric.selector', 'metricSelector'],
      ['current.value', 'currentValue'],
      ['current.averageValue', 'currentAverageValue'],
    ],
  },
}
const container = ['container', 'container'] as const
const spellings: typeof names = {
  ...names,
  containerResource: { spec: [...names['resource']!.spec, container], status: [...names['resource']!.status, container] },
}

/** A metric as the annotation has it. */
export function annotated(metric: MetricSpec | MetricStatus, part: 'spec' | 'status'): object {
  const { type, ...sources } = metric
  const out: Record<string, unknown> = { type }
  for (const [source, value] of Object.entries(sources)) {
    const spelling = spellings[source]?.[part] ?? []
    out[source] = Object.fromEntries(spelling.map(([path, name]) => [name, valueAt(value, path)]).filter(([, one]) => one !== undefined))
  }
  return out
}

/** A metric from the annotation, which anybody may have written: only known names are taken, and the schema is asked about the rest later. */
export function fromAnnotation(written: unknown, part: 'spec' | 'status'): unknown {
  if (!isRecord(written)) return written
  const out: Record<string, unknown> = { type: written['type'] }
  for (const [source, spelling] of Object.entries(spellings)) {
    const given = written[source]
    if (!isRecord(given)) continue
    const made: Record<string, unknown> = {}
    for (const [path, name] of spelling[part]) if (given[name] !== undefined && given[name] !== null) put(made, path, given[name])
    if (part === 'spec') completeTarget(made)
    out[source] = made
  }
  return out
}

/** v1 knows no types of targets: which one is there says it. An object's value is always there, and zero where the average counts. */
function completeTarget(source: Record<string, unknown>): void {
  const target = isRecord(source['target']) ? source['target'] : {}
  const { averageUtilization, averageValue, value } = target
  if (averageValue !== undefined && value === '0') delete target['value']
  const type = averageUtilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value'
  source['target'] = { type, ...target }
}

function valueAt(from: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), from)
}

function put(into: Record<string, unknown>, path: string, value: unknown): void {
  const [first = '', second] = path.split('.')
  if (second === undefined) into[first] = value
  else into[first] = { ...(isRecord(into[first]) ? into[first] : {}), [second]: value }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
