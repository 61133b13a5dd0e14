import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { HealthAnswer } from '../../shared/process/health-server.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** How long a change may wait before the proxy counts as stuck (upstream's: twice its sync period). */
const PATIENCE_MILLISECONDS = 60_000

/** A node that is about to be taken away gets no new connections from load balancers (KEP-3836). */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler'

interface Progress {
  applied: Date | undefined
  /** When the oldest change came that is not applied, by the clock that only goes forward. */
  waiting: number | undefined
  taken: number | undefined
}

/** Whether what is known has become rules in time. Answers at `/healthz` and `/livez` are in upstream's words. */
export class ProxyHealth {
  readonly #clock: Clock
  readonly #families: ReadonlyMap<IpFamily, Progress>

  /** @param families whose rules are applied, each by itself */
  constructor(clock: Clock, families: readonly IpFamily[] = ['IPv4']) {
    this.#clock = clock
    this.#families = new Map(families.map((family) => [family, { applied: undefined, waiting: undefined, taken: undefined }]))
  }

  /** Something changed. */
  changed(family: IpFamily = 'IPv4'): void {
    const progress = this.#of(family)
    progress.waiting ??= this.#clock.monotonic()
  }

  /** Everything that changed until now is being applied; what changes meanwhile waits for the next time. */
  begin(family: IpFamily = 'IPv4'): void {
    const progress = this.#of(family)
    progress.taken ??= progress.waiting
    progress.waiting = undefined
  }

  /** What `begin` took is applied. */
  applied(family: IpFamily = 'IPv4'): void {
    const progress = this.#of(family)
    progress.taken = undefined
    progress.applied = new Date(this.#clock.now())
  }

  /** Rules of each family were applied once, and no change waits for longer than a minute. The node's fate does not matter here. */
  get isHealthy(): boolean {
    return [...this.#families.values()].every(({ applied, waiting, taken }) => {
      const oldest = taken ?? waiting
      return applied !== undefined && (oldest === undefined || this.#clock.monotonic() - oldest < PATIENCE_MILLISECONDS)
    })
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
    const all = [...this.#families.values()].map(({ applied }) => applied?.getTime() ?? Number.NaN)
    // The family that is behind counts.
    const last = Math.min(...all)
    const times = {
      lastUpdated: Number.isNaN(last) ? null : new Date(last).toISOString(),
      currentTime: new Date(this.#clock.now()).toISOString(),
    }
    return { code: isGood ? 200 : 503, body: JSON.stringify({ ...times, ...more }) }
  }

  #of(family: IpFamily): Progress {
    const progress = this.#families.get(family)
    if (!progress) throw new Error(`no rules of ${family} are applied here`)
    return progress
  }
}
