import type { Metrics } from '../shared/metrics/metrics.ts'
import { Bell } from '../shared/time/bell.ts'
import type { Clock, Timer } from '../shared/time/clock.ts'
import type { ClusterChange } from './cluster-change.ts'
import type { ClusterState } from './cluster-state.ts'
import type { SchedulingPlugin } from './framework.ts'
import { Heap } from './heap.ts'
import type { PodInfo } from './pod-info.ts'
import { type Arrival, QueueCounts } from './queue-counts.ts'
import { Sleepers } from './sleepers.ts'

/** A refused pod is tried again after this long whatever happens, in case no change woke it. */
export const UNSCHEDULABLE_FLUSH_MILLISECONDS = 5 * 60_000

interface Waiting {
  info: PodInfo
  /** Counts up with each pod that comes in. */
  readonly order: number
  attempts: number
  /** Not before this; set by the last failure. */
  readyAt: number
  place: 'active' | 'backoff' | 'unschedulable' | 'inFlight'
}

export interface QueueTools {
  readonly clock: Clock
  readonly cluster: ClusterState
  readonly metrics: Metrics
  /** How long a pod waits after its first failure, and at most; in between it doubles. */
  readonly backoff: { readonly firstBackoffMilliseconds: number; readonly longestBackoffMilliseconds: number }
}

/**
 * Pods waiting for a node: active (sorted by priority, then age), backing off after a failure, or unschedulable until
 * a change of the cluster that may help against one of their refusing rules. A pod is in one place at a time.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #cluster: ClusterState
  readonly #counts: QueueCounts
  readonly #backoff: QueueTools['backoff']
  readonly #pods = new Map<string, Waiting>()
  readonly #active = new Heap<Waiting>(
    (left, right) => left.info.priority > right.info.priority || (left.info.priority === right.info.priority && left.order < right.order),
  )
  readonly #unschedulable = new Sleepers<Waiting>()
  #order = 0
  readonly #bell = new Bell()
  #timer: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor({ clock, cluster, metrics, backoff }: QueueTools) {
    this.#backoff = backoff
    this.#clock = clock
    this.#cluster = cluster
    this.#counts = new QueueCounts(metrics, () => [...this.#pods.values()].map(({ place }) => place))
  }

  get size(): number {
    return this.#pods.size
  }

  /** Whether it is still to be placed. */
  has(uid: string): boolean {
    return this.#pods.has(uid)
  }

  /** Whether a pod waits for a change that helps it: neither tried soon nor in work. */
  sleeps(uid: string): boolean {
    return this.#pods.get(uid)?.place === 'unschedulable'
  }

  /** Takes a pod in, or takes notice of its new form. A changed pod that was refused is tried again. */
  set(info: PodInfo, changed: boolean): void {
    const known = this.#pods.get(info.uid)
    if (!known) {
      const waiting: Waiting = { info, order: this.#order++, attempts: 0, readyAt: 0, place: 'active' }
      this.#pods.set(info.uid, waiting)
      return this.#activate(waiting, 'podAdded')
    }
    known.info = info
    if (changed && known.place === 'unschedulable') this.#retry(known, 'podChanged')
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

  /** No node fits: waits for a change that may help against one of the rules; of nobody's refusal any change may. */
  refused(uid: string, refusedBy: ReadonlySet<SchedulingPlugin>): void {
    const waiting = this.#park(uid, 'unschedulable')
    if (waiting) this.#unschedulable.add(waiting, refusedBy)
  }

  /** The attempt broke down (the binding was not accepted): tried again after the back-off. */
  failed(uid: string): void {
    this.#park(uid, 'backoff')
  }

  /** What a refused pod waited for will not come. */
  retry(uid: string): void {
    const waiting = this.#pods.get(uid)
    if (waiting?.place === 'unschedulable') this.#retry(waiting, 'attemptFailed')
  }

  /** Something changed in the cluster; the pods that it may help leave the unschedulable ones. */
  cluster(change: ClusterChange): void {
    const { what } = change
    for (const waiting of this.#unschedulable.ofNobody) this.#retry(waiting, what)
    for (const [rule, refused] of this.#unschedulable.byRule) {
      if (!rule.freedBy.includes(what)) continue
      for (const waiting of refused) {
        const isHelp = rule.helps?.(waiting.info, change, this.#cluster) ?? true
        this.#counts.asked(rule.name, what, isHelp)
        if (isHelp) this.#retry(waiting, what)
      }
    }
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #park(uid: string, place: 'unschedulable' | 'backoff'): Waiting | undefined {
    const waiting = this.#pods.get(uid)
    if (!waiting) return undefined
    const { firstBackoffMilliseconds: first, longestBackoffMilliseconds: longest } = this.#backoff
    const backoff = Math.min(first * 2 ** (waiting.attempts - 1), longest)
    waiting.readyAt = this.#clock.now() + backoff
    this.#put(waiting, place, place === 'backoff' ? 'attemptFailed' : 'refused')
    return waiting
  }

  #retry(waiting: Waiting, why: Arrival): void {
    this.#unschedulable.delete(waiting)
    if (waiting.readyAt <= this.#clock.now()) return this.#activate(waiting, why)
    this.#put(waiting, 'backoff', why)
  }

  #activate(waiting: Waiting, why: Arrival): void {
    this.#unschedulable.delete(waiting)
    waiting.place = 'active'
    this.#counts.arrived('active', why)
    this.#active.push(waiting)
    this.#bell.ring()
  }

  #put(waiting: Waiting, place: 'unschedulable' | 'backoff', why: Arrival): void {
    waiting.place = place
    this.#counts.arrived(place, why)
    this.#arm(dueAt(waiting))
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
      if (dueAt(waiting) <= now) this.#activate(waiting, waiting.place === 'backoff' ? 'backoffOver' : 'sleptLongEnough')
      else next = Math.min(next, dueAt(waiting))
    }
    this.#arm(next)
  }
}

function dueAt({ place, readyAt }: Waiting): number {
  if (place === 'backoff') return readyAt
  return place === 'unschedulable' ? readyAt + UNSCHEDULABLE_FLUSH_MILLISECONDS : Number.POSITIVE_INFINITY
}
