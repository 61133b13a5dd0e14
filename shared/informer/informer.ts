import type { ApiVersion, Client, KindOf, ObjectOf, Selection } from '../client/client.ts'
import type { Logger } from '../logging/logger.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'

/** Frozen objects of one kind, by key (`namespace/name`). Never edit what it returns: `structuredClone` first. */
export interface Cache<T> {
  get(key: string): T | undefined
  list(namespace?: string): T[]
  /** Objects filed under `value` in a lookup that was named when the informer was asked for; O(answer). */
  lookup(name: string, value: string): T[]
  readonly size: number
}

/** `current` is undefined when the object is gone; `previous` is undefined when it is new to the cache. */
export type ChangeListener<T> = (key: string, current: T | undefined, previous: T | undefined) => void

/**
 * Keeps a cache equal to the server's state: list, watch, resume from the last revision, list again on 410,
 * survive the server's absence with back-off. Events are edges, listeners must only mark keys dirty.
 */
export interface Informer<T> {
  readonly cache: Cache<T>
  /** Called for every change after it is in the cache; objects present already are replayed to a new listener. Returns the unsubscriber. */
  onChange(listener: ChangeListener<T>): () => void
  /** True once the first list is in the cache. */
  readonly synced: boolean
  /**
   * The newest revision of the store that the cache shows: every change of this kind (and selection) up to it is in. Whoever wrote at a
   * revision and acts on the cache waits for it to get there. 0 before the first list.
   */
  readonly revision: number
  /** Resolves when `synced`; rejects when the signal aborts. */
  whenSynced(signal?: AbortSignal): Promise<void>
}

/** Values under which an object is filed, e.g. a pod's node name. */
export type Lookups<T> = Record<string, (object: T) => string | readonly string[] | undefined>

/** One informer a kind and selection, shared by everyone in the process who asks for it before `start`. */
export interface Informers {
  of<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    selection?: Omit<Selection, 'signal'>,
    lookups?: Lookups<ObjectOf<V, K>>,
  ): Informer<ObjectOf<V, K>>
  /** Starts every informer asked for; they run until the signal aborts. Asking later than this starts that informer at once. */
  start(signal: AbortSignal): void
  /** Resolves when all are synced; logs every few seconds which ones it waits for. */
  whenSynced(signal: AbortSignal): Promise<void>
}

export interface InformerTools {
  client: Client
  clock: Clock
  random: Random
  log: Logger
}
