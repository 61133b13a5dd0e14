import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { User } from '../authn/user.ts'
import type { RequestInfo } from '../http/request-info.ts'
import { Classifier, type FlowPolicy, planFlows, type SchemaPlan } from './flow-policy.ts'
import { mayTake, PriorityLevel, type Refusal, type Waiter } from './priority-level.ts'

/** A place among those that are worked on. */
export interface Seat {
  /** Idempotent it is not: once. */
  leave(): void
}

/** Where a request belongs. */
export interface Flow {
  readonly plan: SchemaPlan
  readonly level: PriorityLevel
  /** Said with the answer, so that people can see what decided. */
  readonly headers: Readonly<Record<string, string>>
  readonly counts: { dispatched: number; rejected: Map<Refusal, number> }
}

export interface FlowControlOptions {
  /** Seats of the whole server. */
  readonly seats: number
  /** How long a request may wait for one, in milliseconds. */
  readonly patience: number
  readonly clock: Clock
}

/** One request is taken for as many seats as hundreds of objects it reads, up to this (upstream's numbers). */
const MOST_WIDTH = 10
/** No request may take a larger part of its level. */
const WIDEST_PART = 0.15

/**
 * API priority and fairness: FlowSchemas say to which priority level a request belongs, levels have seats of their own, and inside a
 * level flows (users, namespaces) get turns by what they have used. Decisions are in the other files of this folder; here are their
 * effects.
 */
export class FlowControl {
  readonly #options: FlowControlOptions
  readonly #levels = new Map<string, PriorityLevel>()
  #flows: Flow[] = []
  #classifier = new Classifier<Flow>([])
  #waiting = 0

  constructor(options: FlowControlOptions) {
    this.#options = options
    this.configure(planFlows([], [], options.seats))
  }

  get seats(): number {
    return this.#options.seats
  }

  /** For metrics. */
  get levels(): readonly PriorityLevel[] {
    return [...this.#levels.values()]
  }

  get flows(): readonly Flow[] {
    return this.#flows
  }

  /** Takes over a changed policy. Requests in progress keep the place they have. */
  configure(policy: FlowPolicy): void {
    for (const plan of policy.levels) {
      const known = this.#levels.get(plan.name)
      if (known) known.become(plan)
      else this.#levels.set(plan.name, new PriorityLevel(plan))
    }
    const names = new Set(policy.levels.map(({ name }) => name))
    // Who still waits at a level that is gone is seated as its seats become free.
    for (const name of this.#levels.keys()) if (!names.has(name)) this.#levels.delete(name)
    const counted = new Map(this.#flows.map((flow) => [flow.plan.name, flow.counts]))
    this.#flows = policy.schemas.map((plan) => {
      const level = this.#levels.get(plan.level)!
      const headers = { 'x-kubernetes-pf-flowschema-uid': plan.uid, 'x-kubernetes-pf-prioritylevel-uid': level.plan.uid }
      return { plan, level, headers, counts: counted.get(plan.name) ?? { dispatched: 0, rejected: new Map() } }
    })
    this.#classifier = new Classifier(this.#flows)
    if (this.#waiting > 0) for (const level of this.#levels.values()) this.#seatWaiting(level)
  }

  flowOf(info: RequestInfo, user: User): Flow {
    return this.#classifier.schemaOf(info, user) ?? this.#flows[this.#flows.length - 1]!
  }

  /**
   * Takes a seat, at once where there is one.
   * @param objects how many objects will be read
   * @param whenGone calls back when the client has gone: it need not wait any longer
   * @throws StatusError TooManyRequests
   */
  enter(flow: Flow, info: RequestInfo, user: User, objects: number, whenGone: (listener: () => void) => void): Seat | Promise<Seat> {
    const { level } = flow
    const { counts } = flow
    if (level.plan.isExempt) {
      counts.dispatched++
      return nothingTaken
    }
    const width = widthOf(objects, level.plan.share.nominal)
    if (level.waiting === 0 && mayTake(level, width, this.#levels.values(), this.#options.seats)) {
      counts.dispatched++
      level.inUse += width
      return this.#seat(level, width, undefined)
    }
    return this.#queue(flow, flowText(flow, info, user), width, whenGone)
  }

  #queue(flow: Flow, text: string, width: number, whenGone: (listener: () => void) => void): Promise<Seat> {
    const { level } = flow
    const { counts } = flow
    return new Promise((resolve, reject) => {
      const over = () => {
        timer.cancel()
        this.#waiting--
      }
      const waiter: Waiter = {
        ...{ flow: text, width, queue: 0 },
        seated: (queue) => {
          over()
          counts.dispatched++
          resolve(this.#seat(level, width, queue))
        },
        refused: (why) => {
          over()
          counts.rejected.set(why, (counts.rejected.get(why) ?? 0) + 1)
          reject(refusal(why))
        },
      }
      const giveUp = (why: Refusal) => {
        if (level.giveUp(waiter)) waiter.refused(why)
      }
      const timer = this.#options.clock.after(this.#options.patience, () => giveUp('time-out'))
      this.#waiting++
      level.line(waiter)
      whenGone(() => giveUp('cancelled'))
    })
  }

  #seat(level: PriorityLevel, width: number, queue: number | undefined): Seat {
    const { clock } = this.#options
    const begin = queue === undefined ? 0 : clock.monotonic()
    return {
      leave: () => {
        level.left(width, queue, queue === undefined ? 0 : (clock.monotonic() - begin) / 1000)
        if (this.#waiting === 0) return
        this.#seatWaiting(level)
        for (const other of this.#levels.values()) if (other.waiting > 0) this.#seatWaiting(other)
      },
    }
  }

  #seatWaiting(level: PriorityLevel): void {
    for (let width = level.nextWidth(); width !== undefined; width = level.nextWidth()) {
      if (!mayTake(level, width, this.#levels.values(), this.#options.seats)) return
      level.seatNext()
    }
  }
}

const nothingTaken: Seat = { leave() {} }

function widthOf(objects: number, nominal: number): number {
  if (objects <= 100) return 1
  return Math.max(1, Math.min(Math.ceil(objects / 100), MOST_WIDTH, Math.floor(nominal * WIDEST_PART)))
}

/** Requests with equal texts are one flow. */
function flowText({ plan }: Flow, info: RequestInfo, user: User): string {
  if (plan.distinguisher === 'ByUser') return `${plan.name}\n${user.name}`
  return plan.distinguisher === 'ByNamespace' ? `${plan.name}\n${info.namespace}` : plan.name
}

function refusal(why: Refusal): StatusError {
  if (why === 'cancelled') return new StatusError('Timeout', 'the client went away while its request waited')
  return new StatusError('TooManyRequests', 'The apiserver is handling too many requests; please try again later.', {
    details: { retryAfterSeconds: 1, causes: [{ reason: why, message: sentences[why] }] },
  })
}

const sentences: Record<Exclude<Refusal, 'cancelled'>, string> = {
  'concurrency-limit': 'every seat of the priority level is taken',
  'queue-full': 'the queue of this flow is full',
  'time-out': 'no seat became free in time',
}
