import type { ObjectReader } from '../../apiserver/registry/object-reader.ts'
import type { ApiVersion, DeepPartial, KindOf, ObjectOf } from '../../shared/client/client.ts'
import { deepFreeze, type KubeObject, objectKey } from '../../shared/objects/object.ts'

type Listener = (current: KubeObject | undefined, previous: KubeObject | undefined) => void

/** An ObjectReader over objects that a test puts there; for rooms that only read. */
export class TestReader implements ObjectReader {
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #listeners = new Map<string, Set<Listener>>()

  /** Puts an object in its whole state. Structs that the kind always has are the test's to give. */
  put<V extends ApiVersion, K extends KindOf<V>>(
    apiVersion: V,
    kind: K,
    content: { metadata: KubeObject['metadata'] } & DeepPartial<Omit<ObjectOf<V, K>, 'metadata' | 'apiVersion' | 'kind'>>,
  ): ObjectOf<V, K> {
    const object = deepFreeze({ ...structuredClone(content), apiVersion, kind })
    const known = this.#kind(apiVersion, kind)
    const previous = known.get(objectKey(object))
    known.set(objectKey(object), object)
    this.#tell(apiVersion, kind, object, previous)
    return object as unknown as ObjectOf<V, K>
  }

  remove(apiVersion: ApiVersion, kind: string, key: string): void {
    const previous = this.#kind(apiVersion, kind).get(key)
    if (!previous) throw new Error(`no ${kind} ${key} to remove`)
    this.#kind(apiVersion, kind).delete(key)
    this.#tell(apiVersion, kind, undefined, previous)
  }

  get<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    name: { namespace?: string | undefined; name: string },
  ): ObjectOf<V, K> | undefined {
    // As the store's keys: a question without a name is a mistake of whoever asks.
    if (name.name === '') throw new TypeError(`asked for a ${k} without a name`)
    return this.#kind(v, k).get(objectKey({ metadata: name })) as ObjectOf<V, K> | undefined
  }

  list<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace?: string): ObjectOf<V, K>[] {
    return [...this.#kind(v, k).values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace) as ObjectOf<
      V,
      K
    >[]
  }

  listUnparsed<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, namespace: string): (() => ObjectOf<V, K>)[] {
    return this.list(v, k, namespace).map((object) => () => object)
  }

  follow<V extends ApiVersion, K extends KindOf<V>>(
    v: V,
    k: K,
    listener: (current: ObjectOf<V, K> | undefined, previous: ObjectOf<V, K> | undefined) => void,
  ): () => void {
    for (const object of this.list(v, k)) listener(object, undefined)
    const listeners = this.#listeners.get(`${v} ${k}`) ?? new Set()
    this.#listeners.set(`${v} ${k}`, listeners.add(listener as Listener))
    return () => listeners.delete(listener as Listener)
  }

  async caughtUp(): Promise<void> {}

  async upToDate(): Promise<boolean> {
    return false
  }

  #kind(apiVersion: string, kind: string): Map<string, KubeObject> {
    const key = `${apiVersion} ${kind}`
    const known = this.#objects.get(key) ?? new Map<string, KubeObject>()
    this.#objects.set(key, known)
    return known
  }

  #tell(apiVersion: string, kind: string, current: KubeObject | undefined, previous: KubeObject | undefined): void {
    for (const listener of this.#listeners.get(`${apiVersion} ${kind}`) ?? []) listener(current, previous)
  }
}
