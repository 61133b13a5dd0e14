import type { Informer } from '../../shared/informer/informer.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { hasStorageLimits, type StorageUse, storageVerdict } from './local-storage.ts'
import { removeOrphans } from './orphan-removal.ts'
import { PodWorker } from './pod-worker.ts'
import type { PodWorkerTools } from './pod-worker-tools.ts'

/** Remains of pods are looked for this often; what goes wrong at once is noticed by events, this is the net below. */
const HOUSEKEEPING_MILLISECONDS = 120_000
/** Pods with limits of storage are measured this often (upstream's period); the next round begins when the last has ended. */
const STORAGE_MILLISECONDS = 10_000

export interface PodWorkersOptions extends PodWorkerTools {
  /** Pods bound to this node. */
  pods: Informer<Pod>
  podsOnDisk: () => Promise<string[]>
  /** What a pod takes of the node's disk; absent where pods have no files. */
  storageUse?: ((pod: Pod, signal: AbortSignal) => Promise<StorageUse>) | undefined
  /** Resolves when everything that pods refer to is known; before that no pod is touched. */
  ready: () => Promise<void>
}

/** The workers of all pods of the node: one a pod, made when the pod appears, gone when everything of it is. */
export interface PodWorkers {
  /** Follows pods, runtime and probes until the tools' signal aborts. Nothing is taken down before the pods are known. */
  start(): void
  /** The worker of a pod, e.g. to evict it. */
  get(podUid: string): PodWorker | undefined
  /** Every pod that is looked after, ended ones included until they are deleted. */
  list(): Pod[]
  /** Resolves when no step is under way; for an orderly stop. */
  idle(): Promise<void>
}

export function podWorkers(options: PodWorkersOptions): PodWorkers {
  const { pods, runtime, prober, clock, log, signal } = options
  const workers = new Map<string, PodWorker>()
  let sweeping: Promise<void> | undefined
  let measuring: Promise<void> | undefined

  function see(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    const known = workers.get(uid)
    if (known) return known.update(pod)
    const worker = new PodWorker(pod, options, () => workers.delete(uid))
    workers.set(uid, worker)
    worker.wake()
  }

  function sweep(): void {
    if (sweeping) return
    const isKnown = (uid: string) => workers.has(uid)
    sweeping = removeOrphans(options, isKnown, signal)
      .catch((error) => {
        if (!signal.aborted) log.warn('housekeeping failed; it comes round again', { error: String(error) })
      })
      .finally(() => {
        sweeping = undefined
      })
  }

  function measure(): void {
    if (measuring) return
    measuring = evictHoarders().finally(() => {
      measuring = undefined
    })
  }

  /** One pod after another: counting files must not keep the disk from those who use it. */
  async function evictHoarders(): Promise<void> {
    for (const worker of workers.values()) {
      const { pod } = worker
      if (signal.aborted || !options.storageUse) return
      if (pod.status.phase !== 'Running' || !hasStorageLimits(pod)) continue
      try {
        const verdict = storageVerdict(pod, await options.storageUse(pod, signal))
        if (!verdict) continue
        options.events.record(pod, 'Warning', verdict.reason, verdict.message)
        worker.fail(verdict)
      } catch (error) {
        if (!signal.aborted)
          log.warn('the storage of a pod could not be measured; trying again', { pod: pod.metadata.name, error: String(error) })
      }
    }
  }

  function follow(): void {
    pods.onChange((_key, current, previous) => {
      const before = previous?.metadata.uid
      // A pod of the same name may have taken its place.
      if (before !== undefined && before !== current?.metadata.uid) workers.get(before)?.removed()
      if (current) see(current)
    })
    runtime.events((event) => {
      if (event.what === 'reconnected') for (const worker of workers.values()) worker.wake()
      else if (event.podUid !== undefined) workers.get(event.podUid)?.wake()
    }, signal)
    const unsubscribe = prober.onChange((uid) => workers.get(uid)?.wake())
    signal.addEventListener('abort', unsubscribe, { once: true })
    const unwatch = options.admission.onFreed(() => {
      for (const worker of workers.values()) if (worker.isResizePending) worker.wake()
    })
    signal.addEventListener('abort', unwatch, { once: true })
    const timers = [clock.every(HOUSEKEEPING_MILLISECONDS, sweep)]
    if (options.storageUse) timers.push(clock.every(STORAGE_MILLISECONDS, measure))
    const halt = () => {
      for (const timer of timers) timer.cancel()
      for (const worker of workers.values()) worker.stop()
    }
    signal.addEventListener('abort', halt, { once: true })
    sweep()
  }

  return {
    start() {
      options.ready().then(follow, () => undefined)
    },
    get: (uid) => workers.get(uid),
    list: () => [...workers.values()].map(({ pod }) => pod),
    async idle() {
      await Promise.all([...workers.values()].map((worker) => worker.idle()))
      await sweeping
      await measuring
    },
  }
}
