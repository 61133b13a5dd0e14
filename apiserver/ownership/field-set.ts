import { BoundedCache } from '../../shared/limits/bounded-cache.ts'
import { readElement } from './path-element.ts'

const noChildren: ReadonlyMap<string, FieldSet> = new Map()

/**
 * A set of places in an object, as a tree of path elements (`f:spec`, `k:{"name":"web"}`, `v:"x"`). Never changed once made: what set operations
 * leave as it was is shared between the old tree and the new, and an operation that changes nothing answers the very set it was given.
 */
export class FieldSet {
  static readonly empty = new FieldSet(false, noChildren)
  /** One place, without anything below it. */
  static readonly leaf = new FieldSet(true, noChildren)

  /** Whether the place itself is in the set, besides those below it. */
  readonly isMember: boolean
  readonly children: ReadonlyMap<string, FieldSet>
  #text: string | undefined

  constructor(isMember: boolean, children: ReadonlyMap<string, FieldSet>) {
    this.isMember = isMember
    this.children = children
  }

  get isEmpty(): boolean {
    return !this.isMember && this.children.size === 0
  }

  /** In FieldsV1 (meta/v1), elements sorted; made once. */
  get text(): string {
    this.#text ??= writeText(this)
    return this.#text
  }

  has(path: readonly string[]): boolean {
    let at: FieldSet | undefined = this
    for (const element of path) {
      at = at.children.get(element)
      if (!at) return false
    }
    return at.isMember
  }

  /** The places of the set, outer ones first. */
  *paths(prefix: readonly string[] = []): Generator<readonly string[]> {
    if (this.isMember) yield prefix
    for (const element of [...this.children.keys()].sort(byElement)) yield* this.children.get(element)!.paths([...prefix, element])
  }

  union(other: FieldSet): FieldSet {
    if (other === this || other.isEmpty) return this
    if (this.isEmpty) return other
    let children: Map<string, FieldSet> | undefined
    for (const [element, theirs] of other.children) {
      const mine = this.children.get(element)
      const both = mine ? mine.union(theirs) : theirs
      if (both === mine) continue
      children ??= new Map(this.children)
      children.set(element, both)
    }
    if (!children && (this.isMember || !other.isMember)) return this
    return new FieldSet(this.isMember || other.isMember, children ?? this.children)
  }

  /** What is not in the other; places below those of the other stay. */
  difference(other: FieldSet): FieldSet {
    return this.#without(other, (mine, theirs) => mine.difference(theirs))
  }

  /** What is neither in the other nor below any place of the other. */
  differenceBelow(other: FieldSet): FieldSet {
    return this.#without(other, (mine, theirs) => (theirs.isMember ? FieldSet.empty : mine.differenceBelow(theirs)))
  }

  intersection(other: FieldSet): FieldSet {
    if (other === this) return this
    const children = new Map<string, FieldSet>()
    const [small, large] = this.children.size < other.children.size ? [this, other] : [other, this]
    for (const [element, one] of small.children) {
      const both = large.children.get(element)?.intersection(one)
      if (both && !both.isEmpty) children.set(element, both)
    }
    return children.size === 0 && !(this.isMember && other.isMember)
      ? FieldSet.empty
      : new FieldSet(this.isMember && other.isMember, children)
  }

  #without(other: FieldSet, less: (mine: FieldSet, theirs: FieldSet) => FieldSet): FieldSet {
    if (other.isEmpty || this.isEmpty) return this
    let children: Map<string, FieldSet> | undefined
    for (const [element, theirs] of other.children) {
      const mine = this.children.get(element)
      if (!mine) continue
      const left = less(mine, theirs)
      if (left === mine) continue
      children ??= new Map(this.children)
      if (left.isEmpty) children.delete(element)
      else children.set(element, left)
    }
    const isMember = this.isMember && !other.isMember
    if (!children && isMember === this.isMember) return this
    return new FieldSet(isMember, children ?? this.children)
  }
}

/** Collects places, then becomes a set. */
export class FieldSetBuilder {
  #isMember = false
  readonly #children = new Map<string, FieldSetBuilder>()

  insert(path: readonly string[]): void {
    let at: FieldSetBuilder = this
    for (const element of path) {
      let next = at.#children.get(element)
      if (!next) {
        next = new FieldSetBuilder()
        at.#children.set(element, next)
      }
      at = next
    }
    at.#isMember = true
  }

  build(): FieldSet {
    if (this.#children.size === 0) return this.#isMember ? FieldSet.leaf : FieldSet.empty
    return new FieldSet(this.#isMember, new Map(Array.from(this.#children, ([element, child]) => [element, child.build()])))
  }
}

/** The set of some paths. */
export function fieldSetOf(paths: Iterable<readonly string[]>): FieldSet {
  const builder = new FieldSetBuilder()
  for (const path of paths) builder.insert(path)
  return builder.build()
}

/** Thousands of objects of one shape have the same few texts: each is read once. */
const known = new BoundedCache<FieldSet>({ bytes: 8 * 1024 * 1024, keyCharacters: 16 * 1024 })

/** Reads FieldsV1. The text of what is answered may differ in the order of elements. @throws SyntaxError for what is none */
export function parseFieldSet(text: string): FieldSet {
  const cached = known.get(text)
  if (cached) return cached
  const set = fieldSetFrom(JSON.parse(text))
  known.set(text, set, text.length * 8)
  return set
}

/** The same from parsed JSON. @throws SyntaxError */
export function fieldSetFrom(value: unknown): FieldSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('a set of fields is an object of objects')
  let isMember = false
  let children: Map<string, FieldSet> | undefined
  let count = 0
  for (const [written, below] of Object.entries(value)) {
    count++
    if (written === '.') {
      isMember = true
      continue
    }
    const element = readElement(written)
    // As upstream: elements of a kind that is not known yet are passed over.
    if (element === undefined) continue
    const child = fieldSetFrom(below)
    children ??= new Map()
    children.set(element, child.isEmpty ? FieldSet.leaf : child)
  }
  if (count === 0) return FieldSet.empty
  return children ? new FieldSet(isMember, children) : isMember ? FieldSet.leaf : FieldSet.empty
}

function writeText(set: FieldSet): string {
  if (set.children.size === 0) return '{}'
  const elements = [...set.children.keys()]
  if (elements.length > 1) elements.sort(byElement)
  let text = set.isMember ? '{".":{}' : '{'
  for (const element of elements) text += `${text.length > 1 ? ',' : ''}${JSON.stringify(element)}:${writeText(set.children.get(element)!)}`
  return `${text}}`
}

/** Fields, then keys, then values, as upstream sorts them. */
export function byElement(a: string, b: string): number {
  const order = 'fkvi'.indexOf(a[0]!) - 'fkvi'.indexOf(b[0]!)
  return order || (a < b ? -1 : a > b ? 1 : 0)
}
