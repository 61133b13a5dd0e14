import type { Informer } from '../../shared/informer/informer.ts'
import { type KubeObject, objectKey } from '../../shared/objects/object.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** After this long a change that never showed up in the cache is no longer waited for. */
const GIVE_UP_MILLISECONDS = 5 * 60_000

interface Awaited {
  key: string
  uid: string
  /** The revision of the write; undefined for a deletion, whose answer does not say. */
  revision: number | undefined
  since: number
}

/**
 * What an owner has done that its cache may not show yet. Acting again before it does would do everything twice, so a
 * controller reads its objects only as truth while `satisfied`.
 */
export class Expectations {
  readonly #cache: Pick<Informer<KubeObject>, 'cache' | 'revision'>
  readonly #clock: Clock
  readonly #awaited = new Map<string, Awaited[]>()

  constructor(informer: Pick<Informer<KubeObject>, 'cache' | 'revision'>, clock: Clock) {
    this.#cache = informer
    this.#clock = clock
  }

  /** `object` as the server answered the creation or update. */
  written(owner: string, object: KubeObject): void {
    this.#expect(owner, object, Number(object.metadata.resourceVersion) || 0)
  }

  /** `object` as it was when its deletion was accepted. */
  deleted(owner: string, object: KubeObject): void {
    this.#expect(owner, object, undefined)
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

  #expect(owner: string, object: KubeObject, revision: number | undefined): void {
    const awaited = { key: objectKey(object), uid: object.metadata.uid ?? '', revision, since: this.#clock.monotonic() }
    const open = this.#awaited.get(owner)
    if (open) open.push(awaited)
    else this.#awaited.set(owner, [awaited])
  }

  #shown({ key, uid, revision, since }: Awaited): boolean {
    if (this.#clock.monotonic() - since > GIVE_UP_MILLISECONDS) return true
    if (revision !== undefined) return this.#cache.revision >= revision
    const cached = this.#cache.cache.get(key)
    return cached?.metadata.uid !== uid || cached.metadata.deletionTimestamp !== undefined
  }
}
