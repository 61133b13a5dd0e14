import { Bell } from '../shared/time/bell.ts'
import type { Clock, Timer } from '../shared/time/clock.ts'
import type { ClusterChange } from './framework.ts'
import { Heap } from './heap.ts'
import type { PodInfo } from './pod-info.ts'

export const FIRST_BACKOFF_MILLISECONDS = 1_000
export const LONGEST_BACKOFF_MILLISECONDS = 10_000
/** A refused pod is tried again after this long whatever happens, in case no change woke it. */
export const UNSCHEDULABLE_FLUSH_MILLISECONDS = 5 * 60_000

interface Waiting {
  info: PodInfo
  /** Counts up with each pod that comes in. */
  readonly order: number
  attempts: number
  /** Not before this; set by the last failure. */
  readyAt: number
  refusedBy: ReadonlySet<string>
  place: 'active' | 'backoff' | 'unschedulable' | 'inFlight'
}

/**
 * Pods waiting for a node: active (sorted by priority, then age), backing off after a failure, or unschedulable until
 * a change of the cluster that one of their refusing rules named. A pod is in one place at a time.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #freedBy: ReadonlyMap<string, readonly ClusterChange[]>
  readonly #pods = new Map<string, Waiting>()
  readonly #active = new Heap<Waiting>(
    (left, right) => left.info.priority > right.info.priority || (left.info.priority === right.info.priority && left.order < right.order),
  )
  /** The refused ones apart, so that a change of the cluster costs nothing while all is well. */
  readonly #unschedulable = new Set<Waiting>()
  #order = 0
  readonly #bell = new Bell()
  #timer: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock, freedBy: ReadonlyMap<string, readonly ClusterChange[]>) {
    this.#clock = clock
    this.#freedBy = freedBy
  }

  get size(): number {
    return this.#pods.size
  }

  /** Takes a pod in, or takes notice of its new form. A changed pod that was refused is tried again. */
  set(info: PodInfo, changed: boolean): void {
    const known = this.#pods.get(info.uid)
    if (!known) {
      const waiting: Waiting = { info, order: this.#order++, attempts: 0, readyAt: 0, refusedBy: new Set(), place: 'active' }
      this.#pods.set(info.uid, waiting)
      return this.#activate(waiting)
    }
    known.info = info
    if (changed && known.place === 'unschedulable') this.#retry(known)
  }

  delete(uid: string): void {
    // An entry left in the heap is skipped when it comes up.
    const known = this.#pods.get(uid)
    if (known) this.#unschedulable.delete(known)
    this.#pods.delete(uid)
  }

  /** The next pod, or undefined when none is active; the caller owns it until `refused`, `failed` or `delete`. */
  take(): PodInfo | undefined {
    for (let next = this.#active.pop(); next; next = this.#active.pop()) {
      if (next.place !== 'active' || this.#pods.get(next.info.uid) !== next) continue
      next.place = 'inFlight'
      next.attempts += 1
      return next.info
    }
    return undefined
  }

  /** Resolves when a pod becomes active, or the signal aborts. */
  whenActive(signal: AbortSignal): Promise<void> {
    return this.#bell.rung(this.#active.size > 0, signal)
  }

  /** No node fits: waits for a change that frees it. */
  refused(uid: string, refusedBy: ReadonlySet<string>): void {
    this.#park(uid, 'unschedulable', refusedBy)
  }

  /** The attempt broke down (the binding was not accepted): tried again after the back-off. */
  failed(uid: string): void {
    this.#park(uid, 'backoff', new Set())
  }

  /** Something changed in the cluster; the pods that it may help leave the unschedulable ones. Whom no rule refused (there was no node) any change may help. */
  cluster(change: ClusterChange): void {
    for (const waiting of this.#unschedulable) {
      const { refusedBy } = waiting
      if (refusedBy.size === 0 || [...refusedBy].some((plugin) => this.#freedBy.get(plugin)?.includes(change))) this.#retry(waiting)
    }
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #park(uid: string, place: 'unschedulable' | 'backoff', refusedBy: ReadonlySet<string>): void {
    const waiting = this.#pods.get(uid)
    if (!waiting) return
    const backoff = Math.min(FIRST_BACKOFF_MILLISECONDS * 2 ** (waiting.attempts - 1), LONGEST_BACKOFF_MILLISECONDS)
    waiting.readyAt = this.#clock.now() + backoff
    waiting.refusedBy = refusedBy
    waiting.place = place
    if (place === 'unschedulable') this.#unschedulable.add(waiting)
    this.#arm(dueAt(waiting))
  }

  #retry(waiting: Waiting): void {
    this.#unschedulable.delete(waiting)
    if (waiting.readyAt <= this.#clock.now()) return this.#activate(waiting)
    waiting.place = 'backoff'
    this.#arm(dueAt(waiting))
  }

  #activate(waiting: Waiting): void {
    this.#unschedulable.delete(waiting)
    waiting.place = 'active'
    this.#active.push(waiting)
    this.#bell.ring()
  }

  /** One timer, for whatever is due first. */
  #arm(due: number): void {
    if (due >= this.#armedFor) return
    this.#armedFor = due
    this.#timer?.cancel()
    this.#timer = this.#clock.after(due - this.#clock.now(), () => this.#tick())
  }

  #tick(): void {
    const now = this.#clock.now()
    this.#armedFor = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const waiting of this.#pods.values()) {
      if (dueAt(waiting) <= now) this.#activate(waiting)
      else next = Math.min(next, dueAt(waiting))
    }
    this.#arm(next)
  }
}

function dueAt({ place, readyAt }: Waiting): number {
  if (place === 'backoff') return readyAt
  return place === 'unschedulable' ? readyAt + UNSCHEDULABLE_FLUSH_MILLISECONDS : Number.POSITIVE_INFINITY
}
