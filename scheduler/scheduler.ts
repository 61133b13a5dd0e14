import type { Client } from '../shared/client/client.ts'
import type { EventRecorder } from '../shared/client/event-recorder.ts'
import type { Informer, Informers } from '../shared/informer/informer.ts'
import type { Logger } from '../shared/logging/logger.ts'
import type { Metrics } from '../shared/metrics/metrics.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import type { PodDisruptionBudget } from '../shared/openapi/generated/policy-v1.ts'
import type { Random } from '../shared/random/random.ts'
import type { Clock } from '../shared/time/clock.ts'
import { type BindingTools, reportUnschedulable, withdrawNomination } from './binding.ts'
import { Bindings } from './bindings.ts'
import type { ClusterChange, VolumeKind } from './cluster-change.ts'
import { ClusterState } from './cluster-state.ts'
import { askAboutVictims, askExtenders, binderOf } from './extenders/ask-extenders.ts'
import type { Extender } from './extenders/extender.ts'
import { followCluster } from './follow-cluster.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Policy } from './policy/read-policy.ts'
import { evictVictims } from './preemption/evict.ts'
import { findRoom, type ProfileAtWork, type Refused, type Room } from './preemption/find-room.ts'
import { type Candidate, leastLoss } from './preemption/victims.ts'
import { SchedulingQueue } from './queue.ts'
import { SchedulingCycle } from './scheduling-cycle.ts'
import { isAborted, WritesInFlight } from './writes-in-flight.ts'

export interface SchedulerTools {
  client: Client
  informers: Informers
  events: EventRecorder
  clock: Clock
  random: Random
  log: Logger
  metrics: Metrics
}

export interface SchedulerSettings {
  policy: Policy
  /** Other programs that are asked. */
  extenders?: readonly Extender[]
  /** How many bindings and reports may be under way at once. */
  writesInFlight: number
}

/** The loop: takes pods from the queue, decides on the picture of the cluster, carries the decision out beside it. */
export class Scheduler {
  readonly #tools: SchedulerTools
  readonly #settings: SchedulerSettings
  readonly #state = new ClusterState((change) => this.#changed(change))
  /** How many changes of the picture there were. */
  #changes = 0
  readonly #extenders: readonly Extender[]
  readonly #queue: SchedulingQueue
  /** By the name that pods ask for. */
  readonly #profiles: ReadonlyMap<string, ProfileAtWork>
  readonly #budgets: Informer<PodDisruptionBudget>
  readonly #writes: WritesInFlight
  readonly #bindings: Bindings

  constructor(tools: SchedulerTools, settings: SchedulerSettings) {
    const { clock, log, metrics } = tools
    this.#tools = tools
    this.#settings = settings
    const cluster = this.#state
    const queue = new SchedulingQueue({ clock, metrics, cluster, backoff: settings.policy })
    this.#queue = queue
    this.#profiles = new Map(
      settings.policy.profiles.map((profile) => {
        const cycle = new SchedulingCycle(profile.rules, tools.random, profile.percentageOfNodes)
        return [profile.schedulerName, { ...profile, cycle }]
      }),
    )
    this.#extenders = settings.extenders ?? []
    this.#budgets = tools.informers.of('policy/v1', 'PodDisruptionBudget')
    const volumeChanged = (kind: VolumeKind, key: string) => this.#changed({ what: 'volumeChanged', kind, key })
    this.#writes = new WritesInFlight(log)
    this.#bindings = new Bindings({ cluster, queue, writes: this.#writes, volumeChanged, clock, log })
    followCluster(tools.informers, { cluster, queue, profileOf: (pod) => this.#profileOf(pod), volumeChanged })
  }

  /** Schedules until the signal aborts; resolves when the last write has been answered. */
  async run(signal: AbortSignal): Promise<void> {
    const tools = { ...this.#tools, signal }
    while (!signal.aborted) {
      const info = this.#queue.take()
      const asked = info && this.#schedule(info, tools)
      if (asked) await asked
      else if (!info) await this.#queue.whenActive(signal)
      if (this.#writes.size >= this.#settings.writesInFlight) await this.#writes.oneDone()
    }
    this.#queue.stop()
    await this.#writes.settled()
    this.#bindings.stop()
  }

  /** A promise only where others are asked. */
  #schedule(info: PodInfo, tools: BindingTools): Promise<void> | undefined {
    const profile = this.#profileOf(info.pod)
    if (!profile) {
      this.#queue.delete(info.uid)
      return undefined
    }
    const interested = this.#extenders.filter((extender) => extender.isInterested(info.pod))
    if (interested.length > 0) return this.#scheduleWith(interested, info, profile, tools)
    const placement = profile.cycle.place(info, this.#state)
    if (placement.node) this.#goTo(placement, info, tools)
    else {
      const refused = { ...profile, ...placement, refusedBy: new Set(placement.refusedBy) }
      this.#refuse(info, refused, findRoom(info, refused, this.#roomTools()), tools)
    }
    return undefined
  }

  /** The picture may have changed while others were asked: the decision is made on the newest, and a refusal by an older one is not slept on. */
  async #scheduleWith(extenders: readonly Extender[], info: PodInfo, profile: ProfileAtWork, tools: BindingTools): Promise<void> {
    const ask = { log: this.#tools.log, signal: tools.signal }
    const before = this.#changes
    try {
      const rules = await askExtenders(extenders, info, profile.cycle.fitting(info, this.#state), ask)
      if (!this.#queue.has(info.uid)) return
      const placement = profile.cycle.place(info, this.#state, rules)
      if (placement.node) return this.#goTo(placement, info, tools, extenders)
      const refused = { ...profile, ...placement, refusedBy: new Set(placement.refusedBy) }
      const room = findRoom(info, refused, this.#roomTools())
      const candidates = 'candidates' in room ? await askAboutVictims(extenders, info, room.candidates, ask) : []
      if (!this.#queue.has(info.uid)) return
      this.#refuse(info, refused, 'candidates' in room ? { ...room, candidates } : room, tools)
      if (this.#changes !== before) this.#queue.retry(info.uid)
    } catch (error) {
      if (isAborted(error)) throw error
      const message = error instanceof Error ? error.message : String(error)
      this.#tools.log.warn('an extender failed', { pod: info.key, error })
      this.#queue.failed(info.uid)
      this.#writes.add(reportUnschedulable(info, { reason: 'SchedulerError', message }, tools))
    }
  }

  #roomTools() {
    return { cluster: this.#state, budgets: this.#budgets.cache.list(), random: this.#tools.random }
  }

  #refuse(info: PodInfo, refused: Refused, room: Room, tools: BindingTools): void {
    const { message, nominatedNode } = this.#makeRoom(info, refused, room, tools)
    this.#queue.refused(info.uid, refused.refusedBy)
    this.#writes.add(reportUnschedulable(info, { reason: 'Unschedulable', message, nominatedNode }, tools))
  }

  #goTo({ node, why }: { node: NodeInfo; why: string }, info: PodInfo, tools: BindingTools, extenders: readonly Extender[] = []): void {
    const binder = binderOf(extenders, { log: this.#tools.log, signal: tools.signal })
    this.#bindings.begin(info, node, { ...tools, binder, why })
  }

  #profileOf({ spec }: Pod) {
    return this.#profiles.get(spec.schedulerName ?? '')
  }

  /** Has room made where least is lost. The pod goes there when they have left. */
  #makeRoom(info: PodInfo, { message }: Refused, room: Room, tools: BindingTools): { message: string; nominatedNode?: string } {
    if ('addition' in room) return { message: `${message}${room.addition}` }
    const cluster = this.#state
    const found = leastLoss(room.candidates)
    if (!found) {
      // Room that will never be enough is not kept from others any longer.
      cluster.dropNomination(info.uid)
      return { message: `${message} preemption: ${room.why}`, nominatedNode: '' }
    }
    const { name } = found.node
    for (const other of cluster.nominations.on(name).values()) {
      if (other.priority >= info.priority) continue
      cluster.dropNomination(other.uid)
      this.#queue.retry(other.uid)
      this.#writes.add(withdrawNomination(other, tools))
    }
    cluster.nominate(info, name)
    this.#writes.add(this.#evict(info, found, tools))
    return { message, nominatedNode: name }
  }

  async #evict(info: PodInfo, found: Candidate, tools: BindingTools): Promise<void> {
    try {
      await evictVictims(info, found, tools)
    } catch (error) {
      // Nobody leaves whose leaving would wake it.
      this.#state.dropNomination(info.uid)
      this.#queue.retry(info.uid)
      throw error
    }
  }

  #changed(change: ClusterChange): void {
    this.#changes += 1
    this.#queue.cluster(change)
  }
}
