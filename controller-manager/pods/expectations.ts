import type { Informer } from '../../shared/informer/informer.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** After this long a change that never showed up in the cache is no longer waited for. */
const GIVE_UP_MILLISECONDS = 5 * 60_000

interface Awaited {
  key: string
  uid: string
  what: 'created' | 'deleted'
  since: number
}

/**
 * What an owner has done that its cache may not show yet. Acting again before it does would do everything twice, so a
 * controller reads its pods only as truth while `satisfied`.
 */
export class Expectations {
  readonly #pods: Informer<Pod>
  readonly #clock: Clock
  readonly #awaited = new Map<string, Awaited[]>()

  constructor(pods: Informer<Pod>, clock: Clock) {
    this.#pods = pods
    this.#clock = clock
  }

  created(owner: string, pod: Pod): void {
    this.#expect(owner, pod, 'created')
  }

  deleted(owner: string, pod: Pod): void {
    this.#expect(owner, pod, 'deleted')
  }

  /** The cache shows everything that was done for this owner (or it was given up). */
  satisfied(owner: string): boolean {
    const open = (this.#awaited.get(owner) ?? []).filter((awaited) => !this.#shown(awaited))
    if (open.length === 0) this.#awaited.delete(owner)
    else this.#awaited.set(owner, open)
    return open.length === 0
  }

  forget(owner: string): void {
    this.#awaited.delete(owner)
  }

  #expect(owner: string, pod: Pod, what: Awaited['what']): void {
    const awaited = { key: objectKey(pod), uid: pod.metadata.uid ?? '', what, since: this.#clock.monotonic() }
    const open = this.#awaited.get(owner)
    if (open) open.push(awaited)
    else this.#awaited.set(owner, [awaited])
  }

  #shown({ key, uid, what, since }: Awaited): boolean {
    const cached = this.#pods.cache.get(key)
    const same = cached?.metadata.uid === uid
    const shown = what === 'created' ? same : !same || cached?.metadata.deletionTimestamp !== undefined
    return shown || this.#clock.monotonic() - since > GIVE_UP_MILLISECONDS
  }
}
