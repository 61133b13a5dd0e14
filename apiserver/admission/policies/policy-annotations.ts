import type { AuditAnnotations } from '../../audit/audit-trail.ts'

/** A validation that did not hold, as the audit log tells it (KEP-3488). */
export interface NotedFailure {
  readonly message: string
  readonly policy: string
  readonly binding: string
  readonly expressionIndex: number
  readonly validationActions: readonly string[]
}

/** Where failures are told whose binding has the action `Audit`. */
const FAILURE = 'validation.policy.admission.k8s.io/validation_failure'

/** What the policies that a request met say for the audit log. Each key is written once, with all that was said under it. */
export class PolicyAnnotations {
  readonly #values = new Map<string, Set<string>>()
  readonly #failures: NotedFailure[] = []

  /** An annotation of a policy; bindings and parameters may each have one. */
  add(policy: string, key: string, value: string): void {
    const full = `${policy}/${key}`
    this.#values.set(full, (this.#values.get(full) ?? new Set()).add(value))
  }

  fail(failure: NotedFailure): void {
    this.#failures.push(failure)
  }

  publish(audit: AuditAnnotations): void {
    for (const [key, values] of this.#values) audit.annotate(key, [...values].join(', '))
    if (this.#failures.length > 0) audit.annotate(FAILURE, JSON.stringify(this.#failures))
  }
}
