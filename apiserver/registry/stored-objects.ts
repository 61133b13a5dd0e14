import type { ApiVersion, KindOf, ObjectOf } from '../../shared/client/client.ts'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import { deepFreeze, type KubeObject, type ObjectName } from '../../shared/objects/object.ts'
import { parseStored } from '../ownership/packed-fields.ts'
import { type Change, PresentReplaced, type Storage, type Subscription } from '../storage/storage.ts'
import type { ObjectFacts, StoredEntry } from './object-facts.ts'
import type { ObjectReader } from './object-reader.ts'
import type { Resource, ResourceTable } from './resource-table.ts'
import { upToDate } from './store-unavailable.ts'

type Listener = (current: KubeObject | undefined, previous: KubeObject | undefined) => void
type Follower = (current: KubeObject | undefined, previous: () => KubeObject | undefined) => void

/** How many parsed objects are kept. Older ones are parsed again when asked for. */
const CACHE_LIMIT = 2_000

/** Lists up to this length are kept until something in them changes. */
const KEPT_LIST = 20

/** The present, parsed: objects are frozen, and kept for the next reader as long as their bytes have not changed. */
export class StoredObjects implements ObjectReader {
  readonly #storage: Storage<ObjectFacts>
  readonly #table: ResourceTable
  readonly #parsed = new Map<string, { entry: StoredEntry; object: KubeObject }>()
  /** Short lists that admission asks for with every pod. */
  readonly #lists = new Map<string, { readonly version: number; readonly objects: readonly KubeObject[] }>()
  readonly #followers = new Map<string, Set<Follower>>()
  #subscription: Subscription | undefined
  readonly #waiting: (() => void)[] = []

  readonly #log: Logger
  #isClosed = false

  constructor(storage: Storage<ObjectFacts>, table: ResourceTable, log: Logger = silentLogger()) {
    this.#storage = storage
    this.#table = table
    this.#log = log
  }

  /** The object of an entry, parsed at most once while it is in the cache. */
  objectOf(entry: StoredEntry): KubeObject {
    const known = this.#parsed.get(entry.key)
    if (known?.entry === entry) return known.object
    const object = deepFreeze(parseStored(entry.value))
    this.#keep(entry, object)
    return object
  }

  get<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: ObjectName): ObjectOf<V, K> | undefined {
    const resource = this.resourceOf(v, k)
    const entry = this.#storage.get(name.namespace ? `${resource.prefix}${name.namespace}/${name.name}` : resource.prefix + name.name)
    return entry && (this.objectOf(entry) as ObjectOf<V, K>)
  }

  list<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace?: string): ObjectOf<V, K>[] {
    const { prefix } = this.resourceOf(v, k)
    if (namespace) return Array.from(this.#storage.entries(`${prefix}${namespace}/`), (entry) => this.objectOf(entry) as ObjectOf<V, K>)
    const version = this.#storage.version(prefix)
    const known = this.#lists.get(prefix)
    if (known?.version === version) return [...known.objects] as ObjectOf<V, K>[]
    const objects = Array.from(this.#storage.entries(prefix), (entry) => this.objectOf(entry))
    if (objects.length <= KEPT_LIST) this.#lists.set(prefix, { version, objects })
    else this.#lists.delete(prefix)
    return [...objects] as ObjectOf<V, K>[]
  }

  listUnparsed<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace: string): (() => ObjectOf<V, K>)[] {
    const entries = this.#storage.entries(`${this.resourceOf(v, k).prefix}${namespace}/`)
    return Array.from(entries, (entry) => () => {
      const known = this.#parsed.get(entry.key)
      return (known?.entry === entry ? known.object : deepFreeze(parseStored(entry.value))) as ObjectOf<V, K>
    })
  }

  follow<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    listener: (current: ObjectOf<V, K> | undefined, previous: ObjectOf<V, K> | undefined) => void,
    options = { previous: true },
  ): () => void {
    const { prefix } = this.resourceOf(v, k)
    this.#subscribe()
    for (const object of this.list(v, k)) listener(object, undefined)
    const listeners = this.#followers.get(prefix) ?? new Set()
    this.#followers.set(prefix, listeners)
    const follower: Follower = (current, previous) => {
      ;(listener as Listener)(current, current === undefined || options.previous ? previous() : undefined)
    }
    listeners.add(follower)
    return () => listeners.delete(follower)
  }

  /** Whether followers know everything that has been acknowledged; where other servers write too, nobody can tell without asking (`upToDate`). */
  get isCurrent(): boolean {
    return this.#hasToldAll && this.#storage.claims === undefined
  }

  get #hasToldAll(): boolean {
    return this.#subscription?.isCurrent ?? true
  }

  /** Resolves when followers know what has been acknowledged up to now. */
  caughtUp(): Promise<void> {
    if (this.#hasToldAll) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async upToDate(): Promise<boolean> {
    const hasOthers = await upToDate(this.#storage)
    await this.caughtUp()
    return hasOthers
  }

  /** The same kind in another version, where it is served in one. */
  inVersion(resource: Resource, apiVersion: string): Resource | undefined {
    const other = this.#table.ofKind(apiVersion, resource.kind)
    return other?.prefix === resource.prefix ? other : undefined
  }

  close(): void {
    this.#isClosed = true
    this.#subscription?.close()
    this.#wake()
  }

  #subscribe(): void {
    if (this.#subscription) return
    const listener = (changes: readonly Change<ObjectFacts>[]) => {
      for (const change of changes) this.#tell(change)
      if (this.#hasToldAll) this.#wake()
    }
    this.#subscription = this.#storage.subscribe(this.#storage.revision, listener, (reason) => this.#begunAnew(reason))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** The stream of changes was ended by the store: followers are told of everything there is, and of what is gone where the store knows it. */
  #begunAnew(reason: Error): void {
    this.#subscription = undefined
    if (this.#isClosed) return
    this.#log.error('the store ended the stream of changes that indexes follow; they are told everything anew', { error: reason })
    this.#subscribe()
    for (const { key, value } of reason instanceof PresentReplaced ? reason.gone : []) {
      for (const follower of this.#followers.get(prefixOfKey(key)) ?? []) this.#tellOne(follower, undefined, () => parseStored(value))
    }
    for (const [prefix, followers] of this.#followers) {
      for (const entry of this.#storage.entries(prefix)) {
        for (const follower of followers) this.#tellOne(follower, this.objectOf(entry), () => undefined)
      }
    }
    this.#wake()
  }

  #tell(change: Change<ObjectFacts>): void {
    const listeners = this.#followers.get(prefixOfKey(change.key))
    if (!listeners) return
    const current = change.type === 'put' ? this.objectOf(change.entry) : undefined
    let parsed: KubeObject | undefined
    const previous = () => change.previous && (parsed ??= parseStored(change.previous.value))
    for (const follower of listeners) this.#tellOne(follower, current, previous)
  }

  /** One index that fails must not keep the others from the news. */
  #tellOne(follower: Follower, current: KubeObject | undefined, previous: () => KubeObject | undefined): void {
    try {
      follower(current, previous)
    } catch (error) {
      this.#log.error('an index could not take in a change', { error, object: current?.metadata.name })
    }
  }

  #keep(entry: StoredEntry, object: KubeObject): void {
    if (this.#parsed.size >= CACHE_LIMIT && !this.#parsed.has(entry.key)) {
      const [oldest] = this.#parsed.keys()
      this.#parsed.delete(oldest!)
    }
    this.#parsed.set(entry.key, { entry, object })
  }

  /** The stored version of a kind. @throws Error for a kind that is not served */
  resourceOf(v: string, k: string): Resource {
    const resource = this.#table.ofKind(v, k)
    if (!resource) throw new Error(`${v} ${k} is not served`)
    if (resource.further) throw new Error(`${v} ${k} is stored as ${resource.further.stored.apiVersion}: ask for that`)
    return resource
  }
}

function prefixOfKey(key: string): string {
  return key.slice(0, key.indexOf('/', key.indexOf('/') + 1) + 1)
}
