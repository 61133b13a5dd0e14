import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { VolumeUsage } from '../volumes/volume-usage.ts'

/** By pod uid. */
export type MeasuredVolumes = ReadonlyMap<
  string,
  { readonly pod: Pod; readonly at: number; readonly volumes: ReadonlyMap<string, VolumeUsage> }
>

/** Upstream's volume statistics period, milliseconds: drivers are programs of others and have other things to do. */
const GOOD_FOR = 60_000

export interface VolumeSources {
  /** A pod's volumes by name; those that cannot be measured now are left out. */
  measure(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, VolumeUsage>>
  readonly clock: Clock
}

/** What pods' volumes hold, asked when somebody wants to know and then not again for a while. All pods at once: a driver that is slow holds up nobody else. */
export class VolumeMeter {
  readonly #sources: VolumeSources
  readonly #known = new Map<string, { at: number; volumes: Promise<ReadonlyMap<string, VolumeUsage>> }>()

  constructor(sources: VolumeSources) {
    this.#sources = sources
  }

  async measure(pods: readonly Pod[], signal: AbortSignal): Promise<MeasuredVolumes> {
    const { clock, measure } = this.#sources
    const living = new Set(pods.map(({ metadata }) => metadata.uid ?? ''))
    for (const uid of this.#known.keys()) if (!living.has(uid)) this.#known.delete(uid)
    const found = pods.map(async (pod) => {
      const { uid = '' } = pod.metadata
      let known = this.#known.get(uid)
      if (!known || clock.now() - known.at >= GOOD_FOR) {
        known = { at: clock.now(), volumes: measure(pod, signal) }
        this.#known.set(uid, known)
      }
      try {
        return [uid, { pod, at: known.at, volumes: await known.volumes }] as const
      } catch {
        // Whoever asked first has gone, and its question with it: the next one asks again.
        if (this.#known.get(uid) === known) this.#known.delete(uid)
        signal.throwIfAborted()
        return undefined
      }
    })
    return new Map((await Promise.all(found)).filter((one) => one !== undefined))
  }
}
