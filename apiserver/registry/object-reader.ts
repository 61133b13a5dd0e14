import type { ApiVersion, KindOf, ObjectOf } from '../../shared/client/client.ts'
import type { ObjectName } from '../../shared/objects/object.ts'

/**
 * Reads the present from inside the API server, synchronously and parsed; for authorisers, admission rules and kinds'
 * hooks. What it returns is frozen and may be shared.
 */
export interface ObjectReader {
  get<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: ObjectName): ObjectOf<V, K> | undefined
  list<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace?: string): ObjectOf<V, K>[]
  /** What `list` answers, each to be parsed only when it is asked for, and kept by nobody: for who looks through many, bit by bit. */
  listUnparsed<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace: string): readonly (() => ObjectOf<V, K>)[]
  /**
   * Calls back after each change of the kind, and once for all that exists already (as `current`, no `previous`);
   * for indexes kept in memory (RBAC, node authoriser, allocators). Returns the unsubscriber.
   * A change that is on its way while a follower begins may be told after its effect is: followers must bear repetition.
   * With `previous: false` only removals carry it, which saves parsing a state that nobody looks at.
   */
  follow<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    listener: (current: ObjectOf<V, K> | undefined, previous: ObjectOf<V, K> | undefined) => void,
    options?: { previous: boolean },
  ): () => void
  /** Resolves when followers know what has been acknowledged up to now: who decides by an index waits for it first. */
  caughtUp(): Promise<void>
  /**
   * Resolves when they know what any server has acknowledged up to now: who is about to refuse by an index waits for it, and looks again. False where
   * there is no other server. @throws StatusError ServiceUnavailable
   */
  upToDate(): Promise<boolean>
}
