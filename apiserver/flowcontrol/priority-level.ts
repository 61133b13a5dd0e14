import { FairQueues, type Waiting } from './fair-queues.ts'
import type { LevelPlan } from './flow-policy.ts'

/** Why a request was sent away (the label of the metric, upstream's words). */
export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled'

export interface Waiter extends Waiting {
  readonly flow: string
  queue: number
  /** Called with the seat that has become free. */
  readonly seated: (queue: number) => void
  readonly refused: (why: Refusal) => void
}

/** The seats of one level and who waits for them. Knows no time and no other level. */
export class PriorityLevel {
  plan: LevelPlan
  /** Seats taken. */
  inUse = 0
  #queues: FairQueues<Waiter> | undefined

  constructor(plan: LevelPlan) {
    this.plan = plan
    this.#queues = plan.queues && new FairQueues(plan.queues)
  }

  get waiting(): number {
    return this.#queues?.size ?? 0
  }

  /** Who waits keeps waiting, in the queues of the new shape. */
  become(plan: LevelPlan): void {
    const before = this.plan.queues
    this.plan = plan
    const after = plan.queues
    const isSame = before?.queues === after?.queues && before?.handSize === after?.handSize
    if (isSame && before?.queueLengthLimit === after?.queueLengthLimit) return
    const old = this.#queues
    this.#queues = after && new FairQueues(after)
    for (let next = old?.dequeue(); next; next = old?.dequeue()) this.line(next.request)
  }

  /** Lines a request up, or refuses it. */
  line(waiter: Waiter): void {
    if (!this.#queues) return waiter.refused('concurrency-limit')
    const queue = this.#queues.enqueue(waiter.flow, waiter)
    if (queue === undefined) return waiter.refused('queue-full')
    waiter.queue = queue
  }

  nextWidth(): number | undefined {
    return this.#queues?.nextWidth()
  }

  /** Seats the next one. */
  seatNext(): void {
    const next = this.#queues?.dequeue()
    if (!next) return
    this.inUse += next.request.width
    next.request.seated(next.queue)
  }

  giveUp(waiter: Waiter): boolean {
    return this.#queues?.remove(waiter.queue, waiter) ?? false
  }

  /** @param queue where it had waited; undefined for who did not have to */
  left(width: number, queue: number | undefined, seconds: number): void {
    this.inUse -= width
    if (queue !== undefined) this.#queues?.ended(queue, width, seconds)
  }
}

/**
 * Whether a level may take seats. Up to its own number always, whatever others have borrowed: what it lent comes back as soon as it is
 * wanted. Beyond that it borrows what others neither use nor keep.
 */
export function mayTake(level: PriorityLevel, width: number, all: Iterable<PriorityLevel>, total: number): boolean {
  const wanted = level.inUse + width
  const { nominal, most } = level.plan.share
  if (wanted <= nominal || level.inUse === 0) return true
  if (wanted > most) return false
  let taken = wanted
  for (const other of all) if (other !== level) taken += Math.max(other.inUse, other.plan.share.kept)
  return taken <= total
}
