import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { StorageUse } from '../pods/local-storage.ts'

export interface StorageSources {
  measure(pod: Pod, signal: AbortSignal): Promise<StorageUse>
  readonly clock: Clock
}

/** Disk usage by pod uid, and when it was counted. */
export type PodStorage = ReadonlyMap<string, { readonly at: number; readonly use: StorageUse }>

/** How long a pod's disk usage is good for (upstream's volume statistics period): it is counted file by file. Milliseconds. */
const GOOD_FOR = 60_000

/** Disk usage of pods, counted when somebody asks and then not again for a while. */
export class StorageMeter {
  readonly #sources: StorageSources
  readonly #known = new Map<string, { readonly at: number; readonly use: StorageUse }>()

  constructor(sources: StorageSources) {
    this.#sources = sources
  }

  /** By pod uid. A pod that cannot be counted (it is being set up or torn down) is left out. One at a time: disks are slow. */
  async measure(pods: readonly Pod[], signal: AbortSignal): Promise<PodStorage> {
    const { clock } = this.#sources
    const living = new Set(pods.map(({ metadata }) => metadata.uid ?? ''))
    for (const uid of this.#known.keys()) if (!living.has(uid)) this.#known.delete(uid)
    for (const pod of pods) {
      const { uid = '' } = pod.metadata
      const known = this.#known.get(uid)
      if (known && clock.now() - known.at < GOOD_FOR) continue
      signal.throwIfAborted()
      try {
        this.#known.set(uid, { use: await this.#sources.measure(pod, signal), at: clock.now() })
      } catch {
        signal.throwIfAborted()
        this.#known.delete(uid) // asked for again by the next reader
      }
    }
    return this.#known
  }
}
