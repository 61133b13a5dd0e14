import type { Client } from '../shared/client/client.ts'
import type { EventRecorder } from '../shared/client/event-recorder.ts'
import type { Informers } from '../shared/informer/informer.ts'
import type { Logger } from '../shared/logging/logger.ts'
import { sameJson } from '../shared/objects/same-json.ts'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'
import type { Random } from '../shared/random/random.ts'
import type { Clock, Timer } from '../shared/time/clock.ts'
import { type BindingTools, bind, reportUnschedulable } from './binding.ts'
import { ASSUMED_FOR_MILLISECONDS, ClusterState } from './cluster-state.ts'
import { type PodInfo, podInfo } from './pod-info.ts'
import type { Weighted } from './profile.ts'
import { SchedulingQueue } from './queue.ts'
import { SchedulingCycle } from './scheduling-cycle.ts'

export interface SchedulerTools {
  client: Client
  informers: Informers
  events: EventRecorder
  clock: Clock
  random: Random
  log: Logger
}

export interface SchedulerSettings {
  /** Pods with this `spec.schedulerName` are ours. */
  schedulerName: string
  profile: readonly Weighted[]
  /** How many bindings and reports may be under way at once. */
  writesInFlight: number
}

/** The loop: takes pods from the queue, decides on the picture of the cluster, carries the decision out beside it. */
export class Scheduler {
  readonly #tools: SchedulerTools
  readonly #settings: SchedulerSettings
  readonly #state = new ClusterState()
  readonly #queue: SchedulingQueue
  readonly #cycle: SchedulingCycle
  readonly #writes = new Set<Promise<void>>()
  readonly #expiries = new Set<Timer>()

  constructor(tools: SchedulerTools, settings: SchedulerSettings) {
    this.#tools = tools
    this.#settings = settings
    this.#queue = new SchedulingQueue(tools.clock, new Map(settings.profile.map(({ plugin }) => [plugin.name, plugin.freedBy])))
    this.#cycle = new SchedulingCycle(settings.profile, tools.random)
    this.#follow()
  }

  /** Schedules until the signal aborts; resolves when the last write has been answered. */
  async run(signal: AbortSignal): Promise<void> {
    const tools = { ...this.#tools, signal }
    while (!signal.aborted) {
      const info = this.#queue.take()
      if (info) this.#schedule(info, tools)
      else await this.#queue.whenActive(signal)
      if (this.#writes.size >= this.#settings.writesInFlight) await Promise.race(this.#writes)
    }
    this.#queue.stop()
    await Promise.all(this.#writes)
    for (const expiry of this.#expiries) expiry.cancel()
  }

  #schedule(info: PodInfo, tools: BindingTools): void {
    const placement = this.#cycle.place(info, this.#state)
    if (placement.node === undefined) {
      this.#queue.refused(info.uid, placement.refusedBy)
      return this.#track(reportUnschedulable(info, 'Unschedulable', placement.message, tools))
    }
    this.#state.assume(info, placement.node.name)
    this.#track(this.#carryOut(info, placement.node.name, tools))
  }

  async #carryOut(info: PodInfo, node: string, tools: BindingTools): Promise<void> {
    const result = await bind(info, node, tools)
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
    this.#state.forget(info.uid)
    this.#queue.cluster('podRemoved')
    if (result === 'gone') return this.#queue.delete(info.uid)
    this.#tools.log.warn('binding failed', { pod: info.key, node, error: result.failed })
    this.#queue.failed(info.uid)
  }

  #track(write: Promise<void>): void {
    const settled = write
      .catch((error: unknown) => {
        if (!this.#aborted(error)) this.#tools.log.error('a scheduling result could not be written', { error })
      })
      .finally(() => this.#writes.delete(settled))
    this.#writes.add(settled)
  }

  #aborted(error: unknown): boolean {
    return error instanceof Error && error.name === 'AbortError'
  }

  #follow(): void {
    const { informers } = this.#tools
    informers.of('v1', 'Namespace').onChange((key, current) => {
      if (current) this.#state.namespaceLabels.set(key, current.metadata.labels ?? {})
      else this.#state.namespaceLabels.delete(key)
      this.#queue.cluster('namespaceChanged')
    })
    informers.of('v1', 'Node').onChange((key, current, previous) => {
      if (current) this.#state.setNode(current)
      else this.#state.removeNode(key)
      if (current && !previous) this.#queue.cluster('nodeAdded')
      else if (current && previous && offersElse(current, previous)) this.#queue.cluster('nodeUpdated')
    })
    informers.of('v1', 'Pod').onChange((_key, current, previous) => {
      // The same name with another uid is another pod.
      if (previous && previous.metadata.uid !== current?.metadata.uid) this.#podGone(previous)
      if (current) this.#podSeen(current, previous)
    })
  }

  #podGone(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    this.#queue.delete(uid)
    if (!this.#state.isPlaced(uid)) return
    this.#state.removePod(uid)
    this.#queue.cluster('podRemoved')
  }

  #podSeen(pod: Pod, previous: Pod | undefined): void {
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return this.#podGone(pod)
    const uid = pod.metadata.uid ?? ''
    if (pod.spec.nodeName) {
      this.#queue.delete(uid)
      if (this.#state.setPod(pod)) this.#queue.cluster(previous?.spec.nodeName ? 'podUpdated' : 'podPlaced')
      return
    }
    if (pod.spec.schedulerName !== this.#settings.schedulerName || this.#state.isPlaced(uid)) return
    if (pod.metadata.deletionTimestamp !== undefined) return this.#queue.delete(uid)
    const info = podInfo(pod)
    const gated = this.#settings.profile.some(({ plugin }) => plugin.gate?.(info) !== undefined)
    if (!gated) this.#queue.set(info, previous !== undefined && asksElse(pod, previous))
  }
}

/** Heartbeats, most of what is seen of a node, free nobody. */
function offersElse(current: Node, previous: Node): boolean {
  const offer = ({ metadata, spec, status }: Node) => [metadata.labels, spec.taints, spec.unschedulable, status.allocatable]
  return !sameJson(offer(current), offer(previous))
}

function asksElse(current: Pod, previous: Pod): boolean {
  const { metadata } = current
  return metadata.generation !== previous.metadata.generation || !sameJson(metadata.labels, previous.metadata.labels)
}
