import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { KubeletConfig } from '../config.ts'
import { type ImageSettings, imageLimits, removeUnusedImages } from '../images/image-collector.ts'
import { type Headroom, type MachinePlaces, measureCapacity, measureHeadroom } from '../node/capacity.ts'
import { measureStorage } from '../pods/measure-storage.ts'
import type { PodWorkers } from '../pods/pod-workers.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { type EvictionManager, type EvictionOptions, evictionManager } from './eviction-manager.ts'
import { memoryOfPods } from './pods-memory.ts'
import { observationsOf } from './signals.ts'
import { alsoOfPods, type ThresholdTexts, thresholdsOf } from './thresholds.ts'
import type { Candidate } from './victims.ts'

export type EvictionSettings = ThresholdTexts &
  ImageSettings &
  Pick<KubeletConfig, 'evictionMaxPodGracePeriod' | 'evictionPressureTransitionPeriod' | 'enforceNodeAllocatable' | 'pauseImage'>

export interface NodeEvictionOptions {
  settings: EvictionSettings
  places: MachinePlaces
  runtime: ContainerRuntime
  workers: () => PodWorkers
  /** When images were used last; the image collector's memory. */
  imagesSeen: Map<string, number>
  node: () => Node | undefined
  events: EventRecorder
  clock: Clock
  log: Logger
}

/** Eviction by what this machine says of itself and its pods. @throws ConfigError */
export function createEviction(options: NodeEvictionOptions): EvictionManager {
  const { settings, places, runtime, workers, node, events, clock, log } = options
  const limits = imageLimits(settings)
  const isHeld = settings.enforceNodeAllocatable.includes('pods')
  const thresholds = thresholdsOf(settings)

  async function observe(signal: AbortSignal) {
    const [capacity, headroom, images, pods] = await Promise.all([
      measureCapacity(places),
      measureHeadroom(places),
      imageHeadroom(signal),
      isHeld ? memoryOfPods() : undefined,
    ])
    return observationsOf(capacity, headroom, images ?? headroom, pods)
  }

  /** Undefined: the images lie where the pods' files do, or nobody knows where. */
  async function imageHeadroom(signal: AbortSignal): Promise<Headroom | undefined> {
    try {
      const folder = await runtime.imageFolder?.(signal)
      return folder === undefined ? undefined : await measureHeadroom({ ...places, rootDir: folder })
    } catch {
      signal.throwIfAborted()
      return undefined // the engine is away, or on another machine
    }
  }

  const candidates: EvictionOptions['candidates'] = async (starved, signal) => {
    const found: Candidate[] = []
    for (const pod of workers().list()) found.push(await measured(pod, starved === 'memory', signal))
    return found
  }

  async function measured(pod: Pod, isMemory: boolean, signal: AbortSignal): Promise<Candidate> {
    try {
      if (isMemory) return { pod, containers: await memoryOf(pod, runtime, signal), besides: 0 }
      const { containers, volumes } = await measureStorage(pod, places.rootDir, runtime, signal)
      return { pod, containers, besides: [...volumes.values()].reduce((sum, bytes) => sum + bytes, 0) }
    } catch (error) {
      signal.throwIfAborted()
      log.warn('a pod could not be measured', { pod: pod.metadata.name, error: String(error) })
      return { pod, containers: undefined, besides: 0 }
    }
  }

  async function reclaimDisk(signal: AbortSignal): Promise<void> {
    await removeDeadContainers(workers().list(), runtime, signal)
    await removeUnusedImages({ runtime, limits, kept: [settings.pauseImage], clock, log }, options.imagesSeen, signal)
  }

  return evictionManager({
    ...{ thresholds: isHeld ? alsoOfPods(thresholds) : thresholds, transitionMilliseconds: settings.evictionPressureTransitionPeriod },
    mostGraceSeconds: settings.evictionMaxPodGracePeriod,
    ...{ observe, candidates, reclaimDisk, node, events, clock, log },
    evict: (pod, verdict) => workers().end(pod.metadata.uid ?? '', verdict),
  })
}

async function memoryOf(pod: Pod, runtime: ContainerRuntime, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const used = new Map<string, number>()
  for (const { id, name, state } of await runtime.listContainers({ podUid: pod.metadata.uid }, signal)) {
    const stats = state === 'running' ? await runtime.stats(id, signal) : undefined
    if (stats) used.set(name, stats.workingSetBytes)
  }
  return used
}

/** Of pods that have ended for good: with their containers go their logs, which the disk needs more. */
async function removeDeadContainers(pods: readonly Pod[], runtime: ContainerRuntime, signal: AbortSignal): Promise<void> {
  const ended = new Set(
    pods.filter(({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed').map(({ metadata }) => metadata.uid),
  )
  for (const { id, podUid, state } of await runtime.listContainers({}, signal))
    if (state === 'exited' && ended.has(podUid)) await runtime.removeContainer(id, signal)
}
