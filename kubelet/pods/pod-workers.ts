import type { Informer } from '../../shared/informer/informer.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { StaticPods } from '../static-pods/static-pods.ts'
import { hasStorageLimits, type StorageUse, storageVerdict } from './local-storage.ts'
import { removeOrphans } from './orphan-removal.ts'
import type { Verdict } from './pod-admission.ts'
import { fullNameOf, isCriticalPod, isMirrorPod, isStaticPod } from './pod-kinds.ts'
import { PodWorker } from './pod-worker.ts'
import type { PodWorkerTools } from './pod-worker-tools.ts'

/** Remains of pods are looked for this often; what goes wrong at once is noticed by events, this is the net below. */
const HOUSEKEEPING_MILLISECONDS = 120_000
/** Pods with limits of storage are measured this often (upstream's period); the next round begins when the last has ended. */
const STORAGE_MILLISECONDS = 10_000

export interface PodWorkersOptions extends PodWorkerTools {
  /** Pods bound to this node. */
  pods: Informer<Pod>
  /** Pods that the node runs by its own manifests; absent: none. */
  statics?: Pick<StaticPods, 'list' | 'isComplete' | 'onChange'> | undefined
  /** Called when nothing is left of a static pod. */
  onStaticGone?: (() => void) | undefined
  /** Called when something happened to a container, beside what the workers do. */
  onRuntimeEvent?: (() => void) | undefined
  podsOnDisk: () => Promise<string[]>
  /** What a pod takes of the node's disk; absent where pods have no files. */
  storageUse?: ((pod: Pod, signal: AbortSignal) => Promise<StorageUse>) | undefined
  /** Resolves when everything that pods refer to is known; before that no pod of the API server's is touched. */
  ready: () => Promise<void>
}

/** The workers of all pods of the node: one a pod, made when the pod appears, gone when everything of it is. */
export interface PodWorkers {
  /** Follows pods, runtime and probes until the tools' signal aborts. What nobody knows is not taken down before all pods are known. */
  start(): void
  /** Whether a pod of that name is looked after, or what is left of it. */
  has(fullName: string): boolean
  /** Ends a pod for a reason of the node's; resolves when no step of it is under way any more and its status was told. */
  end(podUid: string, verdict: Verdict): Promise<void>
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
    const worker = new PodWorker(pod, options, () => {
      workers.delete(uid)
      if (!isStaticPod(pod)) return
      // The next pod of a manifest may have waited for the name.
      placeStatic()
      options.onStaticGone?.()
    })
    workers.set(uid, worker)
    worker.wake()
  }

  /** Static pods as the manifests say now. A changed manifest is another pod of the same name, which begins when the last has ended. */
  function placeStatic(): void {
    const { statics } = options
    if (!statics || signal.aborted) return
    const wanted = new Set(statics.list().map(({ metadata }) => metadata.uid))
    const names = new Set<string>()
    for (const worker of workers.values()) {
      if (!isStaticPod(worker.pod)) continue
      names.add(fullNameOf(worker.pod))
      if (!wanted.has(worker.uid)) worker.removed()
    }
    for (const pod of statics.list()) if (!names.has(fullNameOf(pod))) see(pod)
  }

  function sweep(): void {
    if (sweeping || options.statics?.isComplete === false) return
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
      if (pod.status.phase !== 'Running' || isCriticalPod(pod) || !hasStorageLimits(pod)) continue
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

  /** From the very start: static pods need nobody but the runtime. */
  function follow(): void {
    runtime.events((event) => {
      options.onRuntimeEvent?.()
      if (event.what === 'reconnected') for (const worker of workers.values()) worker.wake()
      else if (event.podUid !== undefined) workers.get(event.podUid)?.wake()
    }, signal)
    const unwatch = [
      prober.onChange((uid) => workers.get(uid)?.wake()),
      options.admission.onFreed(() => {
        for (const worker of workers.values()) if (worker.isResizePending) worker.wake()
      }),
      options.statics?.onChange(placeStatic),
    ]
    const timers = options.storageUse ? [clock.every(STORAGE_MILLISECONDS, measure)] : []
    const halt = () => {
      for (const timer of timers) timer.cancel()
      for (const unsubscribe of unwatch) unsubscribe?.()
      for (const worker of workers.values()) worker.stop()
    }
    signal.addEventListener('abort', halt, { once: true })
    placeStatic()
  }

  function followApi(): void {
    pods.onChange((_key, current, previous) => {
      const before = previous?.metadata.uid
      // A pod of the same name may have taken its place.
      if (before !== undefined && before !== current?.metadata.uid) workers.get(before)?.removed()
      if (current && !isMirrorPod(current)) see(current)
    })
    const timer = clock.every(HOUSEKEEPING_MILLISECONDS, sweep)
    signal.addEventListener('abort', () => timer.cancel(), { once: true })
    sweep()
  }

  return {
    start() {
      follow()
      options.ready().then(followApi, () => undefined)
    },
    has: (fullName) => [...workers.values()].some(({ pod }) => fullNameOf(pod) === fullName),
    async end(uid, verdict) {
      const worker = workers.get(uid)
      worker?.fail(verdict)
      await worker?.idle()
      await worker?.reported()
    },
    list: () => [...workers.values()].map(({ pod }) => pod),
    async idle() {
      await Promise.all([...workers.values()].map((worker) => worker.idle()))
      await sweeping
      await measuring
    },
  }
}
