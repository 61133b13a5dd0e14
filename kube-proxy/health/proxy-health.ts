import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { HealthAnswer } from '../../shared/process/health-server.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** How long a change may wait before the proxy counts as stuck (upstream's: twice its sync period). */
const PATIENCE_MILLISECONDS = 60_000

/** A node that is about to be taken away gets no new connections from load balancers (KEP-3836). */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler'

/** Whether what is known has become rules in time. Answers at `/healthz` and `/livez` are in upstream's words. */
export class ProxyHealth {
  readonly #clock: Clock
  #applied: Date | undefined
  /** When the oldest change came that is not applied, by the clock that only goes forward. */
  #waiting: number | undefined
  #taken: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something changed. */
  changed(): void {
    this.#waiting ??= this.#clock.monotonic()
  }

  /** Everything that changed until now is being applied; what changes meanwhile waits for the next time. */
  begin(): void {
    this.#taken ??= this.#waiting
    this.#waiting = undefined
  }

  /** What `begin` took is applied. */
  applied(): void {
    this.#taken = undefined
    this.#applied = new Date(this.#clock.now())
  }

  /** Rules were applied once, and no change waits for longer than a minute. The node's fate does not matter here. */
  get isHealthy(): boolean {
    const oldest = this.#taken ?? this.#waiting
    return this.#applied !== undefined && (oldest === undefined || this.#clock.monotonic() - oldest < PATIENCE_MILLISECONDS)
  }

  /** For `/livez`: is this process to be started again? */
  live(): HealthAnswer {
    return this.#answer(this.isHealthy, {})
  }

  /** For `/healthz`: is this node to get connections from outside? Not while it is being taken away. */
  healthy(node: Node | undefined): HealthAnswer {
    const isLeaving = node?.metadata.deletionTimestamp !== undefined || node?.spec.taints?.some(({ key }) => key === LEAVING_TAINT) === true
    return this.#answer(this.isHealthy && !isLeaving, { nodeEligible: !isLeaving })
  }

  #answer(isGood: boolean, more: object): HealthAnswer {
    const times = { lastUpdated: this.#applied?.toISOString() ?? null, currentTime: new Date(this.#clock.now()).toISOString() }
    return { code: isGood ? 200 : 503, body: JSON.stringify({ ...times, ...more }) }
  }
}
