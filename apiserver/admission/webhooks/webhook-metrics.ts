import type { Counter, Histogram, Metrics } from '../../../shared/metrics/metrics.ts'

/** How asking a webhook ended. */
export interface WebhookOutcome {
  /** What it answered, or what stands for its silence (503). */
  readonly code: number
  /** Why the request was refused; undefined: it was not. Upstream's words. */
  readonly rejection?: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error' | undefined
  /** It failed, and its failure policy let the request pass. */
  readonly failedOpen?: boolean
}

export type WebhookType = 'admit' | 'validating'

/** Upstream's, in seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25]
/** Names of webhooks that have series of their own; configurations come and go, series stay. */
const NAMES = 200
const OTHER = 'other'

/** What upstream counts about webhooks, under its names. */
export class WebhookMetrics {
  readonly #names = new Set<string>()
  readonly #durations: Histogram
  readonly #rejections: Counter
  readonly #failedOpen: Counter
  readonly #requests: Counter

  constructor(metrics: Metrics) {
    const name = (what: string) => `apiserver_admission_webhook_${what}`
    this.#durations = metrics.histogram(name('admission_duration_seconds'), 'How long each webhook took.', BUCKETS)
    this.#rejections = metrics.counter(name('rejection_count'), 'Requests that a webhook refused, or that failed because it did.')
    this.#failedOpen = metrics.counter(name('fail_open_count'), 'Requests that passed although a webhook failed.')
    this.#requests = metrics.counter(name('request_total'), 'Questions to webhooks, by what they answered.')
  }

  observe(webhook: string, type: WebhookType, operation: string, milliseconds: number, outcome: WebhookOutcome): void {
    const name = this.#known(webhook)
    const { code, rejection, failedOpen } = outcome
    const rejected = String(rejection !== undefined)
    this.#durations.observe(milliseconds / 1000, { name, type, operation, rejected })
    this.#requests.add(1, { name, type, operation, code: String(code), rejected })
    if (failedOpen) this.#failedOpen.add(1, { name, type })
    if (rejection) this.#rejections.add(1, { name, type, operation, error_type: rejection, rejection_code: String(code) })
  }

  #known(name: string): string {
    if (this.#names.has(name)) return name
    if (this.#names.size >= NAMES) return OTHER
    this.#names.add(name)
    return name
  }
}
