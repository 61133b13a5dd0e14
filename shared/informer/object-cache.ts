import { deepFreeze, type KubeObject, objectKey } from '../objects/object.ts'
import type { Cache, ChangeListener, Lookups } from './informer.ts'
import type { ReflectorTarget } from './reflector.ts'
import { telling } from './told-revision.ts'

/** The cache of one informer: frozen objects by key, by namespace and by lookups, and those who want to know of changes. */
export class ObjectCache<T extends KubeObject> implements Cache<T>, ReflectorTarget<T> {
  readonly #objects = new Map<string, T>()
  readonly #byNamespace = new Map<string, Map<string, T>>()
  readonly #lookups = new Map<string, { valuesOf: Lookups<T>[string]; byValue: Map<string, Map<string, T>> }>()
  readonly #listeners = new Set<ChangeListener<T>>()
  #revision = 0
  readonly #onReplaced: () => void
  readonly #onFault: (error: unknown) => void

  /** `onReplaced` is called after each whole list; `onFault` gets what a listener threw, so that one bad listener harms no other. */
  constructor(onReplaced: () => void, onFault: (error: unknown) => void) {
    this.#onReplaced = onReplaced
    this.#onFault = onFault
  }

  /** See `Informer.revision`. */
  get revision(): number {
    return this.#revision
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(namespace?: string): T[] {
    const objects = namespace === undefined ? this.#objects : this.#byNamespace.get(namespace)
    return objects ? [...objects.values()] : []
  }

  lookup(name: string, value: string): T[] {
    const lookup = this.#lookups.get(name)
    if (!lookup) throw new Error(`no lookup ${JSON.stringify(name)} was asked for with this informer`)
    const found = lookup.byValue.get(value)
    return found ? [...found.values()] : []
  }

  /** Adds lookups; objects that are here already are filed. The same name again keeps the first. */
  addLookups(lookups: Lookups<T>): void {
    for (const [name, valuesOf] of Object.entries(lookups)) {
      if (this.#lookups.has(name)) continue
      const lookup = { valuesOf, byValue: new Map<string, Map<string, T>>() }
      this.#lookups.set(name, lookup)
      for (const [key, object] of this.#objects) file(lookup.byValue, valuesOf(object), key, object)
    }
  }

  onChange(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener)
    for (const [key, object] of this.#objects) this.#tell(listener, key, object, undefined)
    return () => this.#listeners.delete(listener)
  }

  replace(objects: T[], revision: string): void {
    const gone = new Map(this.#objects)
    for (const object of objects) {
      gone.delete(objectKey(object))
      this.put(object)
    }
    for (const object of gone.values()) this.remove(object)
    // A store that was replaced by an older one counts from there.
    this.#revision = Number(revision) || 0
    this.#onReplaced()
  }

  reached(revision: string): void {
    this.#revision = Math.max(this.#revision, Number(revision) || 0)
  }

  put(object: T): void {
    const key = objectKey(object)
    const previous = this.#objects.get(key)
    if (previous && previous.metadata.resourceVersion === object.metadata.resourceVersion) return
    // Another uid under the same name is another object: nobody may take the new one for a change of the old one.
    if (previous && previous.metadata.uid !== object.metadata.uid) this.remove(previous)
    deepFreeze(object)
    const replaced = this.#objects.get(key)
    if (replaced) this.#unfile(key, replaced)
    this.#objects.set(key, object)
    file(this.#byNamespace, object.metadata.namespace, key, object)
    for (const { valuesOf, byValue } of this.#lookups.values()) file(byValue, valuesOf(object), key, object)
    for (const listener of this.#listeners) this.#tell(listener, key, object, replaced)
  }

  remove(object: T): void {
    const key = objectKey(object)
    const previous = this.#objects.get(key)
    if (!previous) return
    this.#unfile(key, previous)
    this.#objects.delete(key)
    // The last state the server sent is worth more than ours: it may carry the deletion's marks.
    const last = previous.metadata.uid === object.metadata.uid ? deepFreeze(object) : previous
    for (const listener of this.#listeners) this.#tell(listener, key, undefined, last)
  }

  #unfile(key: string, object: T): void {
    unfile(this.#byNamespace, object.metadata.namespace, key)
    for (const { valuesOf, byValue } of this.#lookups.values()) unfile(byValue, valuesOf(object), key)
  }

  #tell(listener: ChangeListener<T>, key: string, current: T | undefined, previous: T | undefined): void {
    try {
      telling((current ?? previous)?.metadata.resourceVersion, () => listener(key, current, previous))
    } catch (error) {
      this.#onFault(error)
    }
  }
}

type Values = string | readonly string[] | undefined

function file<T>(index: Map<string, Map<string, T>>, values: Values, key: string, object: T): void {
  for (const value of each(values)) {
    let filed = index.get(value)
    if (!filed) index.set(value, (filed = new Map()))
    filed.set(key, object)
  }
}

function unfile<T>(index: Map<string, Map<string, T>>, values: Values, key: string): void {
  for (const value of each(values)) {
    const filed = index.get(value)
    filed?.delete(key)
    if (filed?.size === 0) index.delete(value)
  }
}

function each(values: Values): readonly string[] {
  return values === undefined ? [] : typeof values === 'string' ? [values] : values
}
