import type { Counter, Histogram, Metrics } from '../../shared/metrics/metrics.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** The label of resources that are not served, and of methods that are no verbs: whatever strangers call them, they are one. */
const OTHER = 'other'
const knownVerbs = new Set(
  ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'post', 'put', 'head', 'options'].concat(
    'unreadable',
  ),
)

interface Pending {
  readonly labels: Record<string, string>
  count: number
}

/** Counts what was asked and how long it took, without costing the request more than two map look-ups. */
export class RequestMetrics {
  readonly #requests: Counter
  readonly #durations: Histogram
  readonly #served: (resource: string) => string | undefined
  /** By verb, then by resource: as many as there are of both. */
  readonly #pending = new Map<string, Map<string, Pending>>()
  readonly #verbs = new Map<string, { verb: string }>()

  /** @param served the plural as the server spells it; undefined when it serves no such resource */
  constructor(metrics: Metrics, served: (resource: string) => string | undefined) {
    this.#requests = metrics.counter('apiserver_request_total', 'Requests answered, by verb and resource.')
    this.#durations = metrics.histogram('apiserver_request_duration_seconds', 'Time from the first byte to the answer; watches excepted.')
    this.#served = served
  }

  observe(info: RequestInfo | undefined, milliseconds: number): void {
    const asked = info?.verb ?? 'unreadable'
    const resource = info?.isResource ? info.resource : ''
    const known = this.#pending.get(asked)?.get(resource) ?? this.#first(asked, resource)
    known.count++
    const verb = known.labels['verb']!
    if (verb === 'watch') return
    let labels = this.#verbs.get(verb)
    if (!labels) this.#verbs.set(verb, (labels = { verb }))
    this.#durations.observe(milliseconds / 1000, labels)
  }

  /** Moves what was counted into the counter; called before metrics are rendered. */
  flush(): void {
    for (const resources of this.#pending.values()) {
      for (const pending of resources.values()) {
        if (pending.count > 0) this.#requests.add(pending.count, pending.labels)
        pending.count = 0
      }
    }
  }

  #first(asked: string, wanted: string): Pending {
    const verb = knownVerbs.has(asked) ? asked : OTHER
    const resource = wanted === '' ? '' : (this.#served(wanted) ?? OTHER)
    const resources = this.#pending.get(verb) ?? new Map<string, Pending>()
    this.#pending.set(verb, resources)
    const known = resources.get(resource) ?? { labels: { verb, resource }, count: 0 }
    resources.set(resource, known)
    return known
  }
}
