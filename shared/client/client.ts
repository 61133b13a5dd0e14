import type { KubeObject, ObjectName } from '../objects/object.ts'
import type { Kinds } from '../openapi/generated/kinds.ts'
import type { ListMeta } from '../openapi/generated/meta-v1.ts'

/** Every served group version, e.g. `apps/v1`. */
export type ApiVersion = keyof Kinds
/** Every kind of a group version. */
export type KindOf<V extends ApiVersion> = keyof Kinds[V] & string
/** The type of a kind: the one clever mapped type of the house. */
export type ObjectOf<V extends ApiVersion, K extends KindOf<V>> = Kinds[V][K] & KubeObject

/** What a creator writes: parts of the object; the server fills in the rest. */
export type Draft<T> = T extends KubeObject ? { metadata: T['metadata'] } & DeepPartial<Omit<T, 'metadata' | 'apiVersion' | 'kind'>> : never

/** Every field optional, all the way down. */
export type DeepPartial<T> = T extends (infer E)[]
  ? DeepPartial<E>[]
  : T extends object
    ? { [P in keyof T]?: DeepPartial<T[P]> | undefined }
    : T

export interface CallOptions {
  signal?: AbortSignal | undefined
}

export interface Selection extends CallOptions {
  /** Absent: all namespaces, or a cluster-scoped kind. */
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

export interface ListOptions extends Selection {
  resourceVersion?: string | undefined
  resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined
  limit?: number | undefined
  continue?: string | undefined
}

export interface List<T> {
  metadata: ListMeta
  items: T[]
}

export interface WatchOptions extends Selection {
  /** Changes after this revision; absent with `sendInitialEvents` means: state first, then changes. */
  resourceVersion?: string | undefined
  allowBookmarks?: boolean | undefined
  sendInitialEvents?: boolean | undefined
  timeoutSeconds?: number | undefined
}

/** One change. A bookmark's object carries only `metadata.resourceVersion` (and the initial-events-end annotation). */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: T
}

export interface WriteOptions extends CallOptions {
  dryRun?: boolean | undefined
  fieldManager?: string | undefined
}

export interface DeleteOptions extends WriteOptions {
  gracePeriodSeconds?: number | undefined
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
}

export interface Reader {
  /** @throws StatusError NotFound */
  get<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: ObjectName, options?: CallOptions): Promise<ObjectOf<V, K>>
  list<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, options?: ListOptions): Promise<List<ObjectOf<V, K>>>
}

export interface Watcher {
  /**
   * One watch, until the server ends it (normal return), the signal aborts, or the stream breaks (throws).
   * An ERROR event is thrown as StatusError (`Expired` or `Gone`: list again).
   */
  watch<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, options?: WatchOptions): AsyncIterable<WatchEvent<ObjectOf<V, K>>>
}

export interface Writer {
  create<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    object: Draft<ObjectOf<V, K>>,
    options?: WriteOptions & { namespace?: string | undefined },
  ): Promise<ObjectOf<V, K>>
  /** Replaces; `metadata.resourceVersion` is the precondition. @throws StatusError Conflict */
  update<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, object: ObjectOf<V, K>, options?: WriteOptions): Promise<ObjectOf<V, K>>
  /** Replaces the status half only. */
  updateStatus<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    object: ObjectOf<V, K>,
    options?: WriteOptions,
  ): Promise<ObjectOf<V, K>>
  patch<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    name: ObjectName,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<ObjectOf<V, K>>
  delete<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: ObjectName, options?: DeleteOptions): Promise<void>
  /** POSTs to a sub-resource that creates (`pods/binding`, `pods/eviction`, `serviceaccounts/token`) and returns the answer as received. */
  createSubresource<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    name: ObjectName,
    subresource: string,
    body: unknown,
    options?: WriteOptions,
  ): Promise<unknown>
}

export interface Patch {
  type: 'json' | 'merge' | 'strategic'
  body: unknown
  /** e.g. `status`. */
  subresource?: string | undefined
}

/** Everything a component can ask of the API server. Nothing else reaches the store. */
export interface Client extends Reader, Watcher, Writer {
  /** For kinds known only at run time (garbage collector, namespace controller): any JSON request. @throws StatusError */
  request(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, options?: RawRequest): Promise<unknown>
  /** A watch of such a kind: `path` is that of the list, the query needs no `watch`. Ends and throws as `watch` does. */
  watchPath(path: string, options?: Omit<RawRequest, 'body' | 'contentType'>): AsyncIterable<WatchEvent<unknown>>
}

export interface RawRequest extends CallOptions {
  query?: Record<string, string> | undefined
  body?: unknown
  contentType?: string | undefined
  accept?: string | undefined
}
