import type { Counter, Metrics } from '../../shared/metrics/metrics.ts'
import type { AuditLevel } from './audit-policy.ts'

/** What upstream counts about auditing, under its names. */
export class AuditMetrics {
  readonly #events: Counter
  readonly #errors: Counter
  readonly #levels: Counter
  readonly #rejected: Counter

  constructor(metrics: Metrics) {
    const counter = (what: string, help: string) => metrics.counter(`apiserver_audit_${what}`, help)
    this.#events = counter('event_total', 'Audit events that were made.')
    this.#errors = counter('error_total', 'Audit events that were lost, by who lost them.')
    this.#levels = counter('level_total', 'Requests, by the audit level that the policy gives them.')
    this.#rejected = counter('requests_rejected_total', 'Requests refused because they could not be audited.')
  }

  event(): void {
    this.#events.add()
  }

  lost(events: number): void {
    this.#errors.add(events, { plugin: 'log' })
  }

  level(level: AuditLevel): void {
    this.#levels.add(1, { level })
  }

  rejected(): void {
    this.#rejected.add()
  }
}
