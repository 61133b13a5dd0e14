import type { Counter, Histogram, Metrics } from '../../shared/metrics/metrics.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** Counts what was asked and how long it took, without costing the request more than two map look-ups. */
export class RequestMetrics {
  readonly #requests: Counter
  readonly #durations: Histogram
  readonly #pending = new Map<string, { count: number; labels: Record<string, string> }>()
  readonly #verbs = new Map<string, { verb: string }>()

  constructor(metrics: Metrics) {
    this.#requests = metrics.counter('apiserver_request_total', 'Requests answered, by verb and resource.')
    this.#durations = metrics.histogram('apiserver_request_duration_seconds', 'Time from the first byte to the answer; watches excepted.')
  }

  observe(info: RequestInfo | undefined, milliseconds: number): void {
    const verb = info?.verb ?? 'unreadable'
    const resource = info?.isResource ? info.resource : ''
    const key = `${verb} ${resource}`
    const known = this.#pending.get(key)
    if (known) known.count++
    else if (this.#pending.size < 1000) this.#pending.set(key, { count: 1, labels: { verb, resource } })
    if (verb === 'watch') return
    let labels = this.#verbs.get(verb)
    if (!labels) this.#verbs.set(verb, (labels = { verb }))
    this.#durations.observe(milliseconds / 1000, labels)
  }

  /** Moves what was counted into the counter; called before metrics are rendered. */
  flush(): void {
    for (const pending of this.#pending.values()) {
      if (pending.count > 0) this.#requests.add(pending.count, pending.labels)
      pending.count = 0
    }
  }
}
