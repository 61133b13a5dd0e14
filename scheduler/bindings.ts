import type { Logger } from '../shared/logging/logger.ts'
import type { Clock, Timer } from '../shared/time/clock.ts'
import { type Binder, type BindingTools, bind } from './binding.ts'
import type { VolumeKind } from './cluster-change.ts'
import { ASSUMED_FOR_MILLISECONDS, type ClusterState } from './cluster-state.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { SchedulingQueue } from './queue.ts'
import { bindVolumes } from './volume-binding.ts'
import type { VolumeChoice } from './volume-state.ts'
import { isAborted, type WritesInFlight } from './writes-in-flight.ts'

export interface BindingsOptions {
  readonly cluster: ClusterState
  readonly queue: SchedulingQueue
  readonly writes: WritesInFlight
  /** Told when a volume is nobody's any longer, or somebody's for good. */
  readonly volumeChanged: (kind: VolumeKind, key: string) => void
  readonly clock: Clock
  readonly log: Logger
}

/** How a decision is carried out. */
export interface Carrying extends BindingTools {
  readonly binder: Binder | undefined
  /** Why this node. */
  readonly why: string
}

/** Pods on their way to the nodes that were chosen for them. What fails is taken back, and the pod tried again. */
export class Bindings {
  readonly #options: BindingsOptions
  readonly #expiries = new Set<Timer>()

  constructor(options: BindingsOptions) {
    this.#options = options
  }

  /** The pod counts on the node at once; its volumes and itself are bound beside the loop. */
  begin(info: PodInfo, node: NodeInfo, tools: Carrying): void {
    const { cluster, writes } = this.#options
    cluster.assume(info, node.name)
    const choice = this.#volumesFor(info, node)
    if (choice) writes.addLong(this.#bindWithVolumes(info, node, choice, tools))
    else writes.add(this.#bind(info, node.name, tools))
  }

  stop(): void {
    for (const expiry of this.#expiries) expiry.cancel()
  }

  /** What must be written about the pod's volumes first; undefined for nearly every pod. */
  #volumesFor(info: PodInfo, { node }: NodeInfo): VolumeChoice | undefined {
    if (!info.hasClaims) return undefined
    const { volumes } = this.#options.cluster
    const claims = volumes.claimsOf(info.pod)
    if (typeof claims === 'string' || claims.delayed.length === 0) return undefined
    const choice = volumes.choose(claims.delayed, node)
    return typeof choice === 'string' ? undefined : choice
  }

  async #bindWithVolumes(info: PodInfo, node: NodeInfo, choice: VolumeChoice, tools: Carrying): Promise<void> {
    const { cluster, volumeChanged } = this.#options
    const { volumes } = cluster
    const giveBack = volumes.promise(choice)
    try {
      await bindVolumes(choice, node, { ...tools, volumes, isGone: () => !cluster.isPlaced(info.uid) })
    } catch (error) {
      if (isAborted(error)) throw error
      const failed = error instanceof Error ? error : new Error(String(error), { cause: error })
      tools.events.record(info.pod, 'Warning', 'FailedScheduling', `running PreBind plugin "VolumeBinding": ${failed.message}`)
      return this.#failed(info, node.name, failed)
    } finally {
      giveBack()
      for (const { volume } of choice.promises) volumeChanged('PersistentVolume', volume.metadata.name ?? '')
    }
    await this.#bind(info, node.name, tools)
  }

  async #bind(info: PodInfo, node: string, tools: Carrying): Promise<void> {
    const { cluster, queue, clock } = this.#options
    const result = await bind(info, { name: node, why: tools.why }, tools, tools.binder)
    if (result === 'bound') {
      queue.delete(info.uid)
      // The watch confirms it within moments; if it never does, the room must not stay taken.
      const expiry = clock.after(ASSUMED_FOR_MILLISECONDS, () => {
        this.#expiries.delete(expiry)
        cluster.forget(info.uid)
      })
      this.#expiries.add(expiry)
      return
    }
    if (result !== 'gone') return this.#failed(info, node, result.failed)
    cluster.forget(info.uid)
    queue.delete(info.uid)
  }

  #failed(info: PodInfo, node: string, error: Error): void {
    const { cluster, queue, log } = this.#options
    cluster.forget(info.uid)
    log.warn('binding failed', { pod: info.key, node, error })
    queue.failed(info.uid)
  }
}
