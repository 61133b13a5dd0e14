import type { Client } from '../shared/client/client.ts'
import type { EventRecorder } from '../shared/client/event-recorder.ts'
import type { Informer, Informers } from '../shared/informer/informer.ts'
import type { Logger } from '../shared/logging/logger.ts'
import type { Metrics } from '../shared/metrics/metrics.ts'
import { sameJson } from '../shared/objects/same-json.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import type { PodDisruptionBudget } from '../shared/openapi/generated/policy-v1.ts'
import type { Random } from '../shared/random/random.ts'
import type { Clock, Timer } from '../shared/time/clock.ts'
import { type Binder, type BindingTools, bind, reportUnschedulable, withdrawNomination } from './binding.ts'
import type { ClusterChange, VolumeKind } from './cluster-change.ts'
import { ASSUMED_FOR_MILLISECONDS, ClusterState } from './cluster-state.ts'
import { askAboutVictims, askExtenders, binderOf } from './extenders/ask-extenders.ts'
import type { Extender } from './extenders/extender.ts'
import { followVolumes } from './follow-volumes.ts'
import type { NodeInfo } from './node-info.ts'
import { type PodInfo, podInfo } from './pod-info.ts'
import type { Policy } from './policy/read-policy.ts'
import { evictVictims } from './preemption/evict.ts'
import { findRoom, type ProfileAtWork, type Refused, type Room } from './preemption/find-room.ts'
import { type Candidate, leastLoss } from './preemption/victims.ts'
import { SchedulingQueue } from './queue.ts'
import { SchedulingCycle } from './scheduling-cycle.ts'
import { bindVolumes } from './volume-binding.ts'
import type { VolumeChoice } from './volume-state.ts'

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

/** How a decision is carried out. */
interface Carrying extends BindingTools {
  readonly binder: Binder | undefined
  /** Why this node. */
  readonly why: string
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
  readonly #writes = new Set<Promise<void>>()
  /** Pods that have a node and wait for their volumes there: they hold nobody up, however long it takes. */
  readonly #volumeWaits = new Set<Promise<void>>()
  readonly #expiries = new Set<Timer>()

  constructor(tools: SchedulerTools, settings: SchedulerSettings) {
    this.#tools = tools
    this.#settings = settings
    this.#queue = new SchedulingQueue({ clock: tools.clock, metrics: tools.metrics, cluster: this.#state, backoff: settings.policy })
    this.#profiles = new Map(
      settings.policy.profiles.map((profile) => {
        const cycle = new SchedulingCycle(profile.rules, tools.random, profile.percentageOfNodes)
        return [profile.schedulerName, { ...profile, cycle }]
      }),
    )
    this.#extenders = settings.extenders ?? []
    this.#budgets = tools.informers.of('policy/v1', 'PodDisruptionBudget')
    this.#follow()
  }

  /** Schedules until the signal aborts; resolves when the last write has been answered. */
  async run(signal: AbortSignal): Promise<void> {
    const tools = { ...this.#tools, signal }
    while (!signal.aborted) {
      const info = this.#queue.take()
      const asked = info && this.#schedule(info, tools)
      if (asked) await asked
      else if (!info) await this.#queue.whenActive(signal)
      if (this.#writes.size >= this.#settings.writesInFlight) await Promise.race(this.#writes)
    }
    this.#queue.stop()
    await Promise.all([...this.#writes, ...this.#volumeWaits])
    for (const expiry of this.#expiries) expiry.cancel()
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
      if (this.#aborted(error)) throw error
      const message = error instanceof Error ? error.message : String(error)
      this.#tools.log.warn('an extender failed', { pod: info.key, error })
      this.#queue.failed(info.uid)
      this.#track(reportUnschedulable(info, { reason: 'SchedulerError', message }, tools))
    }
  }

  #roomTools() {
    return { cluster: this.#state, budgets: this.#budgets.cache.list(), random: this.#tools.random }
  }

  #refuse(info: PodInfo, refused: Refused, room: Room, tools: BindingTools): void {
    const { message, nominatedNode } = this.#makeRoom(info, refused, room, tools)
    this.#queue.refused(info.uid, refused.refusedBy)
    this.#track(reportUnschedulable(info, { reason: 'Unschedulable', message, nominatedNode }, tools))
  }

  #goTo({ node, why }: { node: NodeInfo; why: string }, info: PodInfo, tools: BindingTools, extenders: readonly Extender[] = []): void {
    this.#state.assume(info, node.name)
    const choice = this.#volumesFor(info, node)
    const binder = binderOf(extenders, { log: this.#tools.log, signal: tools.signal })
    if (choice) this.#track(this.#carryOutWithVolumes(info, node, { ...tools, choice, binder, why }), this.#volumeWaits)
    else this.#track(this.#carryOut(info, node.name, { ...tools, binder, why }))
  }

  #profileOf({ spec }: Pod) {
    return this.#profiles.get(spec.schedulerName ?? '')
  }

  /** What must be written about the pod's volumes first; undefined for nearly every pod. */
  #volumesFor(info: PodInfo, { node }: NodeInfo): VolumeChoice | undefined {
    if (!info.hasClaims) return undefined
    const { volumes } = this.#state
    const claims = volumes.claimsOf(info.pod)
    if (typeof claims === 'string' || claims.delayed.length === 0) return undefined
    const choice = volumes.choose(claims.delayed, node)
    return typeof choice === 'string' ? undefined : choice
  }

  async #carryOutWithVolumes(info: PodInfo, node: NodeInfo, tools: Carrying & { choice: VolumeChoice }): Promise<void> {
    const { choice } = tools
    const { volumes } = this.#state
    const giveBack = volumes.promise(choice)
    try {
      await bindVolumes(choice, node, { ...tools, volumes, isGone: () => !this.#state.isPlaced(info.uid) })
    } catch (error) {
      if (this.#aborted(error)) throw error
      const failed = error instanceof Error ? error : new Error(String(error), { cause: error })
      tools.events.record(info.pod, 'Warning', 'FailedScheduling', `running PreBind plugin "VolumeBinding": ${failed.message}`)
      return this.#failed(info, node.name, failed)
    } finally {
      giveBack()
      for (const { volume } of choice.promises) this.#volumeChanged('PersistentVolume', volume.metadata.name ?? '')
    }
    await this.#carryOut(info, node.name, tools)
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
      this.#track(withdrawNomination(other, tools))
    }
    cluster.nominate(info, name)
    this.#track(this.#evict(info, found, tools))
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

  async #carryOut(info: PodInfo, node: string, tools: Carrying): Promise<void> {
    const result = await bind(info, { name: node, why: tools.why }, tools, tools.binder)
    if (result === 'bound') {
      this.#queue.delete(info.uid)
      // The watch confirms it within moments; if it never does, the room must not stay taken.
      const expiry = this.#tools.clock.after(ASSUMED_FOR_MILLISECONDS, () => {
        this.#expiries.delete(expiry)
        this.#state.forget(info.uid)
      })
      this.#expiries.add(expiry)
      return
    }
    if (result !== 'gone') return this.#failed(info, node, result.failed)
    this.#state.forget(info.uid)
    this.#queue.delete(info.uid)
  }

  #failed(info: PodInfo, node: string, error: Error): void {
    this.#state.forget(info.uid)
    this.#tools.log.warn('binding failed', { pod: info.key, node, error })
    this.#queue.failed(info.uid)
  }

  #track(write: Promise<void>, under = this.#writes): void {
    const settled = write
      .catch((error: unknown) => {
        if (!this.#aborted(error)) this.#tools.log.error('a scheduling result could not be written', { error })
      })
      .finally(() => under.delete(settled))
    under.add(settled)
  }

  #aborted(error: unknown): boolean {
    return error instanceof Error && error.name === 'AbortError'
  }

  #follow(): void {
    const { informers } = this.#tools
    informers.of('v1', 'Namespace').onChange((key, current) => {
      this.#state.setNamespace(key, current && (current.metadata.labels ?? {}))
    })
    followVolumes(informers, this.#state.volumes, (kind, key) => this.#volumeChanged(kind, key))
    informers.of('v1', 'Node').onChange((key, current) => {
      if (current) return this.#state.setNode(current)
      const waiting = [...this.#state.nominations.on(key).keys()]
      this.#state.removeNode(key)
      // Room that was being made there is nowhere now.
      for (const uid of waiting) {
        this.#state.nominations.delete(uid)
        this.#queue.retry(uid)
      }
    })
    informers.of('v1', 'Pod').onChange((_key, current, previous) => {
      // The same name with another uid is another pod.
      if (previous && previous.metadata.uid !== current?.metadata.uid) this.#podGone(previous)
      if (current) this.#podSeen(current, previous)
    })
  }

  #changed(change: ClusterChange): void {
    this.#changes += 1
    this.#queue.cluster(change)
  }

  #volumeChanged(kind: VolumeKind, key: string): void {
    this.#changed({ what: 'volumeChanged', kind, key })
  }

  #podGone(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    this.#queue.delete(uid)
    this.#state.dropNomination(uid)
    if (!this.#state.isPlaced(uid)) return
    this.#state.removePod(uid)
    this.#state.volumes.changed()
  }

  #podSeen(pod: Pod, previous: Pod | undefined): void {
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return this.#podGone(pod)
    const uid = pod.metadata.uid ?? ''
    if (pod.spec.nodeName) {
      this.#queue.delete(uid)
      this.#state.setPod(pod)
      return this.#state.dropNomination(uid)
    }
    const profile = this.#profileOf(pod)
    if (!profile || this.#state.isPlaced(uid)) return
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#queue.delete(uid)
      return this.#state.dropNomination(uid)
    }
    const info = podInfo(pod)
    // From before this scheduler's time; what it decided itself is newer than what the watch says.
    const nominated = pod.status.nominatedNodeName
    if (nominated && !previous) this.#state.nominations.set(info, nominated)
    const gated = profile.rules.some(({ plugin }) => plugin.gate?.(info) !== undefined)
    if (!gated) this.#queue.set(info, previous !== undefined && asksElse(pod, previous))
  }
}

function asksElse(current: Pod, previous: Pod): boolean {
  const { metadata } = current
  return metadata.generation !== previous.metadata.generation || !sameJson(metadata.labels, previous.metadata.labels)
}
