import { createHash } from 'node:crypto'
import type { Counter, Gauge, Histogram, Metrics } from '../../../shared/metrics/metrics.ts'

/** What is counted of log-ins, under the names that upstream's dashboards know. Issuers are told by their hashes. */
export class LoginMetrics {
  readonly #latency: Histogram
  readonly #fetches: Gauge
  readonly #reloads: Counter

  constructor(metrics: Metrics) {
    const name = (what: string) => `apiserver_authentication_${what}`
    this.#latency = metrics.histogram(name('jwt_authenticator_latency_seconds'), 'Time for tokens that were not remembered, by result.')
    const help = 'When keys of a provider were last fetched, or could not be, by result.'
    this.#fetches = metrics.gauge(name('jwt_authenticator_jwks_fetch_last_timestamp_seconds'), help)
    const reloads = 'Changed authentication configurations, by whether they were taken into use.'
    this.#reloads = metrics.counter(name('config_controller_automatic_reloads_total'), reloads)
  }

  took(issuer: string, isGood: boolean, milliseconds: number): void {
    this.#latency.observe(milliseconds / 1000, { result: resultOf(isGood), jwt_issuer_hash: hashOf(issuer) })
  }

  fetched(issuer: string, isGood: boolean, now: number): void {
    this.#fetches.set(now / 1000, { result: resultOf(isGood), jwt_issuer_hash: hashOf(issuer) })
  }

  reloaded(isGood: boolean): void {
    this.#reloads.add(1, { status: resultOf(isGood) })
  }
}

const resultOf = (isGood: boolean) => (isGood ? 'success' : 'failure')
const hashOf = (issuer: string) => `sha256:${createHash('sha256').update(issuer).digest('hex')}`
