import { dealHand } from './shuffle-shard.ts'

/** A request that waits for a seat. */
export interface Waiting {
  /** Seats it takes. */
  readonly width: number
}

interface Queue<W> {
  readonly index: number
  readonly waiting: W[]
  /** Seats that everything in it will take. */
  width: number
  /** Seat-seconds this queue has been served, on the level's common scale. */
  served: number
}

export interface QueueShape {
  readonly queues: number
  readonly handSize: number
  readonly queueLengthLimit: number
}

/** Seat-seconds that a request is taken to cost until it has ended. Upstream's guess, too. */
const GUESS_SECONDS = 0.003

/**
 * Who is next, inside one priority level: flows share a limited number of queues, and the queue that was served least goes first, by
 * seat-seconds. A decision without time of its own: who calls says how long things took.
 */
export class FairQueues<W extends Waiting> {
  readonly #shape: QueueShape
  /** Only queues that wait or are ahead of the others have a record. */
  readonly #queues = new Map<number, Queue<W>>()
  /** What the queue that was served last had had by then: where a queue that comes anew begins, so that idling earns nothing. */
  #level = 0
  #size = 0

  constructor(shape: QueueShape) {
    this.#shape = shape
  }

  /** Requests that wait. */
  get size(): number {
    return this.#size
  }

  /** Lines the request up in the shortest queue of its flow's hand. Undefined: that queue is full. */
  enqueue(flow: string, request: W): number | undefined {
    const { queues, handSize, queueLengthLimit } = this.#shape
    let best: Queue<W> | undefined
    for (const index of dealHand(flow, queues, handSize)) {
      const queue = this.#queues.get(index) ?? { index, waiting: [], width: 0, served: this.#level }
      if (!best || queue.width < best.width) best = queue
    }
    if (!best || best.waiting.length >= queueLengthLimit) return undefined
    if (best.waiting.length === 0) best.served = Math.max(best.served, this.#level)
    this.#queues.set(best.index, best)
    best.waiting.push(request)
    best.width += request.width
    this.#size++
    return best.index
  }

  /** The width of the request that is next; undefined when nobody waits. */
  nextWidth(): number | undefined {
    return this.#next()?.waiting[0]?.width
  }

  /** Takes the next request out. */
  dequeue(): { readonly request: W; readonly queue: number } | undefined {
    const queue = this.#next()
    const request = queue?.waiting.shift()
    if (!queue || !request) return undefined
    this.#forget(queue, request)
    this.#level = queue.served
    queue.served += request.width * GUESS_SECONDS
    return { request, queue: queue.index }
  }

  /** Takes out one that gave up. */
  remove(index: number, request: W): boolean {
    const queue = this.#queues.get(index)
    const at = queue?.waiting.indexOf(request) ?? -1
    if (!queue || at < 0) return false
    queue.waiting.splice(at, 1)
    this.#forget(queue, request)
    return true
  }

  /** Corrects the guess when a request has ended. */
  ended(index: number, width: number, seconds: number): void {
    // With nobody waiting there is nobody to be fair to.
    if (this.#size === 0) return void this.#queues.clear()
    const queue = this.#queues.get(index) ?? { index, waiting: [], width: 0, served: this.#level }
    queue.served += width * (seconds - GUESS_SECONDS)
    if (queue.served > this.#level) this.#queues.set(index, queue)
  }

  #next(): Queue<W> | undefined {
    let best: Queue<W> | undefined
    for (const queue of this.#queues.values()) {
      if (queue.waiting.length > 0 && (!best || queue.served < best.served)) best = queue
    }
    return best
  }

  #forget(queue: Queue<W>, request: W): void {
    queue.width -= request.width
    this.#size--
  }
}
