import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isTracked, TRACKING_FINALIZER } from './job-pod.ts'

/** Takes finalizers away and remembers it until the cache shows it: a pod must not be counted again because news are late. */
export class TrackedPods {
  readonly #client: Client
  readonly #signal: AbortSignal
  readonly #released = new Map<string, Set<string>>()
  /** Uids of pods that are to go uncounted, by job, until they do. */
  readonly #dismissed = new Map<string, Set<string>>()

  constructor(client: Client, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
  }

  /** Uids of the job's pods that still look tracked and are not to be counted. `pods` are all that the cache shows. */
  releasedOf(jobUid: string, pods: readonly Pod[]): ReadonlySet<string> {
    const looksTracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid ?? ''))
    const remembered = new Set<string>()
    for (const memory of [this.#released, this.#dismissed]) {
      const uids = memory.get(jobUid) ?? new Set()
      for (const uid of uids) {
        if (looksTracked.has(uid)) remembered.add(uid)
        else uids.delete(uid)
      }
      if (uids.size === 0) memory.delete(jobUid)
    }
    return remembered
  }

  /** From now on its end is not counted. */
  dismiss(jobUid: string, pod: Pod): void {
    this.#dismissed.set(jobUid, (this.#dismissed.get(jobUid) ?? new Set()).add(pod.metadata.uid ?? ''))
  }

  /** Of these the ones that are dismissed and could not be let go yet. */
  stillHeld(jobUid: string, pods: readonly Pod[]): Pod[] {
    const dismissed = this.#dismissed.get(jobUid)
    const released = this.#released.get(jobUid)
    return pods.filter((pod) => isTracked(pod) && dismissed?.has(pod.metadata.uid ?? '') && !released?.has(pod.metadata.uid ?? ''))
  }

  /** Lets one pod go; one that is gone already is as good. @throws StatusError, ConnectionError: it may have been done */
  async release(jobUid: string, pod: Pod): Promise<void> {
    const { namespace, name = '', uid = '' } = pod.metadata
    if (!isTracked(pod)) return
    const body = { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER] } }
    try {
      await this.#client.patch('v1', 'Pod', { namespace, name }, { type: 'strategic', body }, { signal: this.#signal })
    } catch (error) {
      // Another pod of its name is another uid.
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
    }
    const released = this.#released.get(jobUid) ?? new Set()
    this.#released.set(jobUid, released.add(uid))
  }

  forget(jobUid: string): void {
    this.#released.delete(jobUid)
    this.#dismissed.delete(jobUid)
  }
}
