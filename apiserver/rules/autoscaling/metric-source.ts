import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../../shared/openapi/generated/autoscaling-v2.ts'
import { parseQuantity } from '../../../shared/quantity/quantity.ts'
import { segmentProblem } from '../../registry/object-metadata.ts'

const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']
const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const

/** One metric of an autoscaler: exactly the source that its type names. */
export function* metricProblems(metric: MetricSpec, path: string): Generator<FieldProblem> {
  const { type } = metric
  if (type === '') yield fieldProblem.required(`${path}.type`, 'must specify a metric source type')
  if (!TYPES.includes(type)) yield fieldProblem.notSupported(`${path}.type`, type, TYPES)
  const present = sources.filter((source) => metric[source] !== undefined)
  // Only the first is looked into: of two, one must go anyway.
  if (present[0]) yield* sourceProblems(metric, present[0], `${path}.${present[0]}`)
  const expected = type === 'ContainerResource' ? 'containerResource' : type.toLowerCase()
  if (!present.some((source) => source === expected)) {
    yield fieldProblem.required(`${path}.${expected}`, 'must populate information for the given metric source')
  }
  if (present.length === 1) return
  for (const source of present) {
    if (source !== expected) yield fieldProblem.forbidden(`${path}.${source}`, 'must populate the given metric source only')
  }
}

/** A name of an object of any kind. */
export function* referenceProblems(
  { apiVersion = '', kind, name }: CrossVersionObjectReference,
  path: string,
  { needsGroup }: { needsGroup: boolean },
): Generator<FieldProblem> {
  for (const [field, value] of [
    ['kind', kind],
    ['name', name],
  ] as const) {
    const problem = segmentProblem(value)
    if (value === '') yield fieldProblem.required(`${path}.${field}`)
    else if (problem) yield fieldProblem.invalid(`${path}.${field}`, value, problem)
  }
  const parts = apiVersion.split('/')
  if (parts.length > 2) yield fieldProblem.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
  else if (needsGroup && parts.length < 2) {
    yield fieldProblem.invalid(`${path}.apiVersion`, apiVersion, 'apiVersion must specify API group')
  }
}

const EITHER = 'must set either a target value for metric or a per-pod target'

function* sourceProblems(metric: MetricSpec, source: (typeof sources)[number], path: string): Generator<FieldProblem> {
  const { object, external, pods, resource, containerResource } = metric
  if (source === 'object' && object) {
    yield* referenceProblems(object.describedObject, `${path}.describedObject`, { needsGroup: false })
    yield* identifierProblems(object.metric, `${path}.metric`)
    yield* targetProblems(object.target, `${path}.target`)
    const { value, averageValue } = object.target
    if (value === undefined && averageValue === undefined) yield fieldProblem.required(`${path}.target.averageValue`, EITHER)
  } else if (source === 'external' && external) {
    yield* identifierProblems(external.metric, `${path}.metric`)
    yield* targetProblems(external.target, `${path}.target`)
    const { value, averageValue } = external.target
    if (value === undefined && averageValue === undefined) yield fieldProblem.required(`${path}.target.averageValue`, EITHER)
    if (value !== undefined && averageValue !== undefined) {
      yield fieldProblem.forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target')
    }
  } else if (source === 'pods' && pods) {
    yield* identifierProblems(pods.metric, `${path}.metric`)
    yield* targetProblems(pods.target, `${path}.target`)
    const { averageValue } = pods.target
    if (averageValue === undefined || !isPositive(averageValue)) {
      yield fieldProblem.required(`${path}.target.averageValue`, 'must specify a positive target averageValue')
    }
  } else if (source === 'containerResource' && containerResource) {
    const { name, container, target } = containerResource
    yield* resourceProblems(name, target, path)
    if (container === '') yield fieldProblem.required(`${path}.container`, 'must specify a container')
  } else if (resource) yield* resourceProblems(resource.name, resource.target, path)
}

function* resourceProblems(name: string, target: MetricTarget, path: string): Generator<FieldProblem> {
  if (name === '') yield fieldProblem.required(`${path}.name`, 'must specify a resource name')
  yield* targetProblems(target, `${path}.target`)
  const { averageUtilization, averageValue } = target
  if (averageUtilization === undefined && averageValue === undefined) {
    yield fieldProblem.required(`${path}.target.averageUtilization`, 'must set either a target raw value or a target utilization')
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    yield fieldProblem.forbidden(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization')
  }
}

function* targetProblems({ type, value, averageValue, averageUtilization }: MetricTarget, path: string): Generator<FieldProblem> {
  if (type === '') yield fieldProblem.required(`${path}.type`, 'must specify a metric target type')
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    yield fieldProblem.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue')
  }
  if (value !== undefined && !isPositive(value)) yield fieldProblem.invalid(`${path}.value`, value, 'must be positive')
  if (averageValue !== undefined && !isPositive(averageValue)) {
    yield fieldProblem.invalid(`${path}.averageValue`, averageValue, 'must be positive')
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    yield fieldProblem.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0')
  }
}

function* identifierProblems({ name }: MetricIdentifier, path: string): Generator<FieldProblem> {
  const problem = segmentProblem(name)
  if (name === '') yield fieldProblem.required(`${path}.name`, 'must specify a metric name')
  else if (problem) yield fieldProblem.invalid(`${path}.name`, name, problem)
}

function isPositive(amount: string): boolean {
  return parseQuantity(amount).nano > 0n
}
