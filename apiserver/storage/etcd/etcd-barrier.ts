import type { StorageUnavailable } from '../storage.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { type EtcdLink, PATIENCE } from './etcd-link.ts'
import type { EtcdMirror } from './etcd-mirror.ts'
import { unavailable } from './etcd-trouble.ts'

/** Milliseconds that a revision may take to come by itself: before it is known that others write to this etcd, and after. */
const LONG = 2_000
const SHORT = 20

export interface BarrierOptions {
  readonly link: EtcdLink
  readonly keys: EtcdKeys
  readonly mirror: Pick<EtcdMirror<unknown>, 'reached' | 'revision' | 'hasGaps' | 'noteGaps'>
}

/**
 * Makes what is read next as new as anything that anyone was told: asks a quorum for the newest revision, and waits for the mirror to have it. Where others
 * write to the same etcd that revision may be theirs, and never come here; then a marker is written, which does. (etcd's own word for it, a progress
 * request, may overtake events before 3.4.25 and 3.5.8.) Readers that come together share one question, which is asked after they came.
 */
export class EtcdBarrier {
  readonly #options: BarrierOptions
  #asking: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(options: BarrierOptions) {
    this.#options = options
  }

  /** @throws StorageUnavailable */
  pass(): Promise<void> {
    this.#next ??= this.#ask(this.#asking)
    return this.#next
  }

  async #ask(before: Promise<void> | undefined): Promise<void> {
    // How the one before ends is its askers' matter.
    await before?.catch(() => {})
    this.#asking = this.#next
    this.#next = undefined
    const { link, keys, mirror } = this.#options
    try {
      const { header } = await link.call('Range', { key: keys.record, countOnly: true })
      const newest = link.ours(header.revision)
      if (newest <= mirror.revision) return
      const isSeen = await mirror.reached(newest, mirror.hasGaps ? SHORT : LONG).then(
        () => true,
        (_late: StorageUnavailable) => false,
      )
      if (isSeen) return
      mirror.noteGaps()
      await mirror.reached(await this.mark(), PATIENCE)
    } catch (error) {
      throw unavailable('etcd does not say what is newest', error)
    }
  }

  /** Writes the marker; answers its revision. @throws GrpcError, StorageUnavailable */
  async mark(): Promise<number> {
    const { link, keys } = this.#options
    const put = { requestPut: { key: keys.marker, value: Buffer.alloc(0) } }
    const { header } = await link.call('Txn', { compare: [], success: [put], failure: [] })
    return link.ours(header.revision)
  }
}
