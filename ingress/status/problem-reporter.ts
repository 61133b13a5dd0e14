import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import type { IngressProblem } from '../routing/route-table.ts'
import { keyOf } from '../routing/route-table.ts'

export interface ReporterTools {
  readonly clock: Clock
  readonly events: EventRecorder
  readonly log: Logger
}

/** A manifest's parts arrive one after the other: what is missing for this long is missing. */
const SETTLED_MILLISECONDS = 2_000

/** Tells the authors of Ingresses what is wrong with them, once for as long as it is wrong, as Events and in the log. */
export class ProblemReporter {
  readonly #tools: ReporterTools
  readonly #find: () => Iterable<IngressProblem>
  #told = new Set<string>()
  #timer: Timer | undefined

  constructor(tools: ReporterTools, find: () => Iterable<IngressProblem>) {
    this.#tools = tools
    this.#find = find
  }

  /** Something changed: looks again soon. */
  changed(): void {
    this.#timer ??= this.#tools.clock.after(SETTLED_MILLISECONDS, () => {
      this.#timer = undefined
      this.#look()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    const present = new Set<string>()
    for (const { ingress, reason, message } of this.#find()) {
      const key = JSON.stringify([ingress.metadata.uid, reason, message])
      if (!present.has(key) && !this.#told.has(key)) {
        this.#tools.log.warn(message, { ingress: keyOf(ingress), reason })
        this.#tools.events.record(ingress, 'Warning', reason, message)
      }
      present.add(key)
    }
    this.#told = present
  }
}
