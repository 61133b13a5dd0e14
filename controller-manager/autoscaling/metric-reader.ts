import type { Client } from '../../shared/client/client.ts'
import type { CrossVersionObjectReference, MetricIdentifier } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { parseQuantity, QuantityError, quantityMilliValue } from '../../shared/quantity/quantity.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { ServedKinds } from '../metadata/served-kinds.ts'
import type { PodFigure } from '../plans/autoscaler-usage.ts'
import { isRecord } from './scale-client.ts'

/** Where an autoscaler gets its figures, all in thousandths. Every failure is an Error whose message goes into a condition. */
export interface MetricReader {
  /** What pods use of a resource, or one container of each of them. Pods that are not measured are left out. */
  resource(resource: string, pods: PodQuestion, container?: string): Promise<Map<string, PodFigure>>
  pods(metric: MetricIdentifier, pods: PodQuestion): Promise<Map<string, PodFigure>>
  object(metric: MetricIdentifier, object: CrossVersionObjectReference, namespace: string): Promise<number>
  /** The sum of what was found. */
  external(metric: MetricIdentifier, namespace: string): Promise<number>
}

export interface PodQuestion {
  readonly namespace: string
  readonly selector: string
}

/** How long metric-server-like windows are where nothing says it (upstream's `metricServerDefaultMetricWindow`). Milliseconds. */
const DEFAULT_WINDOW = 60_000
const CUSTOM = 'custom.metrics.k8s.io'
const EXTERNAL = 'external.metrics.k8s.io'

export function metricReader(client: Client, kinds: ServedKinds, signal: AbortSignal): MetricReader {
  const get = async (api: string, path: string, query: Record<string, string>): Promise<Record<string, unknown>[]> => {
    try {
      const answer = await client.request('GET', path, { query, signal })
      return isRecord(answer) && Array.isArray(answer['items']) ? answer['items'].filter(isRecord) : []
    } catch (cause) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${messageOf(cause)}`, { cause })
    }
  }
  const customRoot = async (): Promise<string> => {
    const version = await kinds.hasGroup(CUSTOM, signal)
    if (version === undefined)
      throw new Error(`unable to fetch metrics from custom metrics API: no custom metrics API (${CUSTOM}) registered`)
    return `/apis/${CUSTOM}/${version}`
  }

  return {
    async resource(resource, { namespace, selector }, container) {
      const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(namespace)}/pods`
      const items = await get('resource', path, { labelSelector: selector })
      if (items.length === 0) throw new Error('no metrics returned from resource metrics API')
      const found = new Map<string, PodFigure>()
      for (const item of items) {
        const milli = usageOf(item, resource, container)
        if (milli !== undefined) found.set(nameOf(item['metadata']), { milli, ...whenOf(item['timestamp'], item['window']) })
      }
      return found
    },
    async pods(metric, { namespace, selector }) {
      const path = `${await customRoot()}/namespaces/${encodeURIComponent(namespace)}/pods/*/${encodeURIComponent(metric.name)}`
      const items = await get('custom', path, { labelSelector: selector, ...metricSelector(metric) })
      if (items.length === 0) throw new Error('no metrics returned from custom metrics API')
      return new Map(
        items.map((item) => {
          const seconds = item['windowSeconds'] ?? item['window']
          const window = typeof seconds === 'number' ? `${seconds}s` : undefined
          return [nameOf(item['describedObject']), { milli: milliOf(item['value']), ...whenOf(item['timestamp'], window) }]
        }),
      )
    },
    async object(metric, { apiVersion = '', kind, name }, namespace) {
      const root = await customRoot()
      const { plural, group, namespaced } = await kinds.find(apiVersion, kind, signal)
      const resource = group === '' ? plural : `${plural}.${group}`
      const words =
        kind === 'Namespace' ? ['namespaces', name, 'metrics'] : [...(namespaced ? ['namespaces', namespace] : []), resource, name]
      const path = [root, ...[...words, metric.name].map(encodeURIComponent)].join('/')
      const [item] = await get('custom', path, metricSelector(metric))
      if (!item) throw new Error('no metrics returned from custom metrics API')
      return milliOf(item['value'])
    },
    async external(metric, namespace) {
      const path = `/apis/${EXTERNAL}/v1beta1/namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric.name)}`
      const selector = metric.selector ? { labelSelector: labelSelectorFrom(metric.selector).toString() } : {}
      const items = await get('external', path, selector)
      if (items.length === 0) throw new Error('no metrics returned from external metrics API')
      return items.reduce((sum, item) => sum + milliOf(item['value']), 0)
    },
  }
}

/** The sum over the containers, or one of them; undefined while some figure is missing. */
function usageOf(item: Record<string, unknown>, resource: string, only: string | undefined): number | undefined {
  const containers = Array.isArray(item['containers']) ? item['containers'].filter(isRecord) : []
  const wanted = only === undefined ? containers : containers.filter(({ name }) => name === only)
  if (only !== undefined && wanted.length === 0) {
    const { namespace = '', name = '' } = isRecord(item['metadata']) ? item['metadata'] : {}
    throw new Error(`failed to get container metrics: container ${only} not present in metrics for pod ${namespace}/${name}`)
  }
  let sum = 0
  for (const { usage } of wanted) {
    const amount = isRecord(usage) ? usage[resource] : undefined
    if (amount === undefined) return undefined
    sum += milliOf(amount)
  }
  return wanted.length > 0 ? sum : undefined
}

function milliOf(value: unknown): number {
  try {
    return quantityMilliValue(parseQuantity(String(value)))
  } catch (cause) {
    if (cause instanceof QuantityError) throw new Error(`a metric of the value ${JSON.stringify(value)} is no quantity`, { cause })
    throw cause
  }
}

function whenOf(time: unknown, window: unknown): { at: number; window: number } {
  const at = typeof time === 'string' ? parseTimestamp(time) : undefined
  return { at: at ?? 0, window: typeof window === 'string' ? (milliseconds(window) ?? DEFAULT_WINDOW) : DEFAULT_WINDOW }
}

/** Go's way of writing durations (`1m12.5s`), as far as windows of metrics go. */
function milliseconds(text: string): number | undefined {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(text)
  if (!match || text === '') return undefined
  return Math.round((Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)) * 1000)
}

function nameOf(reference: unknown): string {
  return isRecord(reference) && typeof reference['name'] === 'string' ? reference['name'] : ''
}

function metricSelector({ selector }: MetricIdentifier): Record<string, string> {
  return selector ? { metricLabelSelector: labelSelectorFrom(selector).toString() } : {}
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
