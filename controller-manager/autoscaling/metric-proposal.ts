import type {
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../shared/openapi/generated/autoscaling-v2.ts'
import { formatQuantity, parseQuantity, quantityFromMilli, quantityMilliValue } from '../../shared/quantity/quantity.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import {
  replicasForAverage,
  replicasForShare,
  replicasForUtilization,
  replicasForValue,
  requestsOf,
  type UsageAnswer,
  type UsageContext,
} from '../plans/autoscaler-usage.ts'
import { type MetricReader, messageOf, type PodQuestion } from './metric-reader.ts'

/** The size that one metric asks for. */
export interface Proposal {
  readonly replicas: number
  /** As it is named in conditions and events: `cpu resource utilization (percentage of request)`. */
  readonly what: string
  readonly status: MetricStatus
}

/** Why a metric asks for nothing: reason and sentence of the condition, and the sentence for the whole. */
export class MetricFailure extends Error {
  readonly reason: string
  readonly summary: string

  constructor(reason: string, cause: unknown, summary = messageOf(cause)) {
    super(messageOf(cause), { cause })
    this.reason = reason
    this.summary = summary
  }
}

export interface ProposalContext extends PodQuestion, Omit<UsageContext, 'figures' | 'isCpu'> {
  readonly statusReplicas: number
  readonly reader: MetricReader
}

/** Measures one metric and says what size it asks for. @throws MetricFailure in upstream's words */
export async function propose(spec: MetricSpec, context: ProposalContext): Promise<Proposal> {
  const { resource, containerResource, pods, object, external } = spec
  if (spec.type === 'Resource' && resource) {
    const { name, target } = resource
    const made = await failing('FailedGetResourceMetric', `failed to get ${name} utilization`, () => ofResource(name, target, context))
    return { ...made, what: `${name} resource${made.what}`, status: { type: 'Resource', resource: { name, current: made.current } } }
  }
  if (spec.type === 'ContainerResource' && containerResource) {
    const { name, container, target } = containerResource
    const reason = 'FailedGetContainerResourceMetric'
    const made = await failing(reason, `failed to get ${name} utilization`, () => ofResource(name, target, context, container))
    const status = { type: 'ContainerResource', containerResource: { name, container, current: made.current } }
    return { ...made, what: `${name} container resource${made.what}`, status }
  }
  if (spec.type === 'Pods' && pods) {
    const { metric, target } = pods
    const answer = await failing('FailedGetPodsMetric', `unable to get metric ${metric.name}`, async () => {
      const figures = await context.reader.pods(metric, context)
      return replicasForAverage({ ...context, figures, isCpu: false }, milliOf(target.averageValue))
    }).catch(prefixed('failed to get pods metric value'))
    const status = { type: 'Pods', pods: { metric, current: { averageValue: amount(answer.average) } } }
    return { replicas: answer.replicas, what: `pods metric ${metric.name}`, status }
  }
  if (spec.type === 'Object' && object) {
    const { metric, target, describedObject } = object
    const about = `${describedObject.kind} ${context.namespace}/${describedObject.name}`
    const made = await failing('FailedGetObjectMetric', '', async () => {
      const milli = await context.reader.object(metric, describedObject, context.namespace).catch((cause: unknown) => {
        throw new Error(`unable to get metric ${metric.name}: ${about} ${messageOf(cause)}`, { cause })
      })
      return ofNumber(milli, target, context)
    }).catch(prefixed('failed to get object metric value'))
    const what = target.type === 'Value' ? `${describedObject.kind} metric ${metric.name}` : externalName(metric)
    return { replicas: made.replicas, what, status: { type: 'Object', object: { metric, describedObject, current: made.current } } }
  }
  if (spec.type === 'External' && external) {
    const { metric, target } = external
    const made = await failing('FailedGetExternalMetric', '', async () => {
      const milli = await context.reader.external(metric, context.namespace).catch((cause: unknown) => {
        const selector = metric.selector ? labelSelectorFrom(metric.selector).toString() : 'nil'
        throw new Error(`unable to get external metric ${context.namespace}/${metric.name}/${selector}: ${messageOf(cause)}`, { cause })
      })
      return ofNumber(milli, target, context)
    }).catch(prefixed(`failed to get ${metric.name} external metric`))
    return {
      replicas: made.replicas,
      what: externalName(metric),
      status: { type: 'External', external: { metric, current: made.current } },
    }
  }
  throw new MetricFailure('InvalidMetricSourceType', new Error(`unknown metric source type ${JSON.stringify(spec.type)}`))
}

interface Made {
  readonly replicas: number
  readonly current: MetricValueStatus
  readonly what: string
}

async function ofResource(name: string, target: MetricTarget, context: ProposalContext, container?: string): Promise<Made> {
  const figures = await context.reader.resource(name, context, container).catch((cause: unknown) => {
    throw new Error(`unable to get metrics for resource ${name}: ${messageOf(cause)}`, { cause })
  })
  const usage: UsageContext = { ...context, figures, isCpu: name === 'cpu' }
  if (target.averageValue !== undefined) {
    const { replicas, average } = replicasForAverage(usage, milliOf(target.averageValue))
    return { replicas, current: { averageValue: amount(average) }, what: '' }
  }
  if (target.averageUtilization === undefined) {
    throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
  }
  const answer: UsageAnswer = replicasForUtilization(usage, target.averageUtilization, requestsOf(context.pods, name, container))
  const current = { averageUtilization: answer.utilization, averageValue: amount(answer.average) }
  return { replicas: answer.replicas, current, what: ' utilization (percentage of request)' }
}

/** A number that all pods share, held against a value or divided among them. */
function ofNumber(milli: number, { averageValue, value }: MetricTarget, context: ProposalContext): Omit<Made, 'what'> {
  if (averageValue !== undefined) {
    const { replicas, average } = replicasForShare(context, milli, milliOf(averageValue))
    return { replicas, current: { averageValue: amount(average) } }
  }
  if (value === undefined) throw new Error('invalid metric source: neither a value target nor an average value target was set')
  return { replicas: replicasForValue(context, milli, milliOf(value)), current: { value: amount(milli) } }
}

/** Runs, and gives a failure its reason; with a prefix, the condition's sentence begins with it. */
async function failing<T>(reason: string, prefix: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new MetricFailure(reason, prefix ? new Error(`${prefix}: ${messageOf(cause)}`, { cause }) : cause)
  }
}

/** Upstream's summary of some metrics says more than their condition. */
function prefixed(prefix: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof MetricFailure ? new MetricFailure(error.reason, error.cause, `${prefix}: ${error.message}`) : error
  }
}

function externalName({ name, selector }: MetricIdentifier): string {
  return `external metric ${name}(${selector ? labelSelectorFrom(selector).toString() : 'nil'})`
}

function milliOf(text: string | undefined): number {
  return quantityMilliValue(parseQuantity(text ?? '0'))
}

function amount(milli: number): string {
  return formatQuantity(quantityFromMilli(milli))
}
