import { fieldsOf, type ObjectFacts } from '../registry/object-facts.ts'
import type { Resource } from '../registry/resource-table.ts'
import type { Change } from '../storage/storage.ts'
import type { Audience } from './audience.ts'

/** Says which audiences of one resource a change may concern, without asking each: every audience is filed under its most telling condition. */
export class WatchIndex {
  readonly #resource: Resource
  readonly #filed = new Map<string, Set<Audience>>()
  /** Fields and labels that anybody is filed under, with how many. */
  readonly #fields = new Map<number, number>()
  readonly #labels = new Map<string, number>()

  constructor(resource: Resource) {
    this.#resource = resource
  }

  add(audience: Audience): void {
    const place = this.#placeOf(audience)
    const filed = this.#filed.get(place.key) ?? new Set()
    this.#filed.set(place.key, filed.add(audience))
    if (place.field !== undefined) count(this.#fields, place.field, 1)
    if (place.label !== undefined) count(this.#labels, place.label, 1)
  }

  remove(audience: Audience): void {
    const place = this.#placeOf(audience)
    const filed = this.#filed.get(place.key)
    if (!filed?.delete(audience)) return
    if (filed.size === 0) this.#filed.delete(place.key)
    if (place.field !== undefined) count(this.#fields, place.field, -1)
    if (place.label !== undefined) count(this.#labels, place.label, -1)
  }

  get size(): number {
    return this.#filed.size
  }

  *all(): Iterable<Audience> {
    for (const filed of this.#filed.values()) yield* filed
  }

  /** Every audience that may select the state before or after; each once. */
  *candidates(change: Change<ObjectFacts>): Iterable<Audience> {
    const { facts } = change.entry
    const before = change.previous?.facts
    yield* this.#at('all')
    if (facts.namespace !== '') yield* this.#at(`namespace ${facts.namespace}`)
    yield* this.#at(`name ${facts.namespace}/${facts.name}`)
    if (facts.namespace !== '') yield* this.#at(`name /${facts.name}`)
    const fields = this.#fields.size > 0 ? fieldsOf(this.#resource, facts) : facts.fields
    const fieldsBefore = before && this.#fields.size > 0 ? fieldsOf(this.#resource, before) : before?.fields
    for (const field of this.#fields.keys()) {
      const value = fields[field] ?? ''
      yield* this.#at(`field ${field}=${value}`)
      const old = fieldsBefore?.[field]
      if (old !== undefined && old !== value) yield* this.#at(`field ${field}=${old}`)
    }
    for (const label of this.#labels.keys()) {
      const value = facts.labels?.[label]
      if (value !== undefined) yield* this.#at(`label ${label}=${value}`)
      const old = before?.labels?.[label]
      if (old !== undefined && old !== value) yield* this.#at(`label ${label}=${old}`)
    }
  }

  #at(key: string): Iterable<Audience> {
    return this.#filed.get(key) ?? nobody
  }

  #placeOf({ selection }: Audience): { key: string; field?: number; label?: string } {
    if (selection.name !== undefined) return { key: `name ${selection.namespace}/${selection.name}` }
    for (const [field, name] of this.#resource.selectable.entries()) {
      const value = selection.fields.requiredValue(name)
      if (value !== undefined && value !== '') return { key: `field ${field}=${value}`, field }
    }
    for (const { key } of selection.labels.requirements) {
      const value = selection.labels.requiredValue(key)
      if (value !== undefined) return { key: `label ${key}=${value}`, label: key }
    }
    return { key: selection.namespace === '' ? 'all' : `namespace ${selection.namespace}` }
  }
}

const nobody: readonly Audience[] = []

function count<K>(counts: Map<K, number>, key: K, step: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + step
  if (next === 0) counts.delete(key)
  else counts.set(key, next)
}
