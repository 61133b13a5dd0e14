import type { Logger } from '../../shared/logging/logger.ts'
import type { PodRoute } from '../../shared/pods/pod-routes.ts'
import { Bell } from '../../shared/time/bell.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { NodeRoutes } from './node-routes.ts'

/** A link that went down and up again (sleep, a new lease of its address) has taken the routes with it, and nobody tells. */
const PERIOD_MILLISECONDS = 15_000
const RETRY_MILLISECONDS = 1_000

/**
 * Sets the routes that are wanted, and those that were lost, in a loop of its own: a peer that cannot be reached must not keep Services from
 * being applied.
 */
export class RouteKeeper {
  readonly #routes: Pick<NodeRoutes, 'apply'>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #bell = new Bell()
  #wanted: readonly PodRoute[] | undefined
  #isDirty = false
  #problem: string | undefined = 'routes to other nodes are not set yet'

  constructor(routes: Pick<NodeRoutes, 'apply'>, clock: Clock, log: Logger) {
    this.#routes = routes
    this.#clock = clock
    this.#log = log
  }

  /** What keeps other nodes' pods from being reached; undefined when all are. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** From now on these; set soon. */
  async apply(routes: readonly PodRoute[]): Promise<void> {
    this.#wanted = routes
    this.#isDirty = true
    this.#bell.ring()
  }

  /** Sets routes until the signal aborts; they stay then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isDirty = false
      if (this.#wanted) await this.#set(this.#wanted)
      const timer = this.#clock.after(this.#problem === undefined ? PERIOD_MILLISECONDS : RETRY_MILLISECONDS, () => this.#bell.ring())
      await this.#bell.rung(this.#isDirty, signal)
      timer.cancel()
    }
  }

  async #set(wanted: readonly PodRoute[]): Promise<void> {
    try {
      await this.#routes.apply(wanted)
      this.#problem = undefined
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      // Tried every second, said once.
      if (problem !== this.#problem) this.#log.error('not all nodes’ pods are reached; tried again', { error })
      this.#problem = problem
    }
  }
}
