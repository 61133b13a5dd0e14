import { FieldSet, FieldSetBuilder } from './field-set.ts'
import { natureOf, type Shape } from './owned-shape.ts'
import { fieldElement, keyElement, pathText, valueElement } from './path-element.ts'

/** The places that a value speaks of (structured-merge-diff's field set of a value), and what in it the schema does not allow. */
export interface Stated {
  readonly fields: FieldSet
  /** Sentences with their paths; no more than are told. */
  readonly problems: readonly string[]
}

/** Problems told at once. */
const MOST_PROBLEMS = 20

/** What a value speaks of. Containers themselves are in it only where they are empty, items and free keys always. */
export function statedFields(shape: Shape, value: unknown): Stated {
  const walk = new Walk()
  walk.visit(shape, value)
  return { fields: walk.fields.build(), problems: walk.problems }
}

/** All of them in one sentence, as upstream tells them. */
export function problemsText(problems: readonly string[]): string {
  return problems.length === 1 ? problems[0]! : `errors:\n${problems.map((problem) => `  ${problem}`).join('\n')}`
}

class Walk {
  readonly fields = new FieldSetBuilder()
  readonly problems: string[] = []
  readonly #path: string[] = []

  visit(shape: Shape, value: unknown): void {
    switch (shape.kind) {
      case 'leaf':
        if (value !== null) {
          const wrong = shape.mismatch(value)
          if (wrong) this.#say(wrong)
        }
        return this.fields.insert(this.#path)
      case 'set':
      case 'keyed':
        if (Array.isArray(value)) return this.#items(shape, value)
        if (value !== null) this.#say(`expected list, got ${natureOf(value)}`)
        return
      case 'open':
        if (isMap(value)) return this.#keys(shape, value)
        return this.fields.insert(this.#path)
      default:
        if (isMap(value)) return this.#keys(shape, value)
        if (value !== null) this.#say(`expected map, got ${natureOf(value)}`)
    }
  }

  #keys(shape: Shape, value: Readonly<Record<string, unknown>>): void {
    for (const name of Object.keys(value)) {
      const item = value[name]
      if (item === undefined) continue
      const field = shape.field(name)
      const below = field?.shape ?? shape.below
      this.#path.push(field?.element ?? fieldElement(name))
      if (below) {
        this.visit(below, item)
        if (!field || item === null || (isMap(item) && isBare(item))) this.fields.insert(this.#path)
      } else this.#say('field not declared in schema')
      this.#path.pop()
    }
  }

  #items(shape: Shape, items: readonly unknown[]): void {
    const seen = new Set<string>()
    for (const [index, item] of items.entries()) {
      const element = shape.kind === 'set' ? valueElement(item) : keyElement(item, shape.keys)
      const lacking = shape.kind === 'keyed' ? lackingKey(shape, item) : undefined
      if (element === undefined || lacking) {
        this.#say(`element ${index}: ${lacking ?? 'associative list with keys may not have non-map elements'}`)
        continue
      }
      if (seen.has(element)) this.#say(`duplicate entries for key ${pathText([element])}`)
      seen.add(element)
      this.#path.push(element)
      if (shape.kind === 'keyed') this.visit(shape.below!, item)
      this.fields.insert(this.#path)
      this.#path.pop()
    }
  }

  #say(problem: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(`${pathText(this.#path)}: ${problem}`)
  }
}

function lackingKey(shape: Shape, item: unknown): string | undefined {
  if (!isMap(item)) return 'associative list with keys may not have non-map elements'
  for (const { name, fallback } of shape.keys) {
    if ((item[name] ?? null) === null && fallback === undefined) {
      return `associative list with keys has an element that omits key field ${JSON.stringify(name)} (and doesn't have default value)`
    }
  }
  return undefined
}

/** The set with the fields of structs that lead to its members: what has to go where everything in it goes. */
export function withNamedFields(set: FieldSet, shape: Shape): FieldSet {
  if (set.children.size === 0) return set
  const children = new Map<string, FieldSet>()
  for (const [element, child] of set.children) {
    const field = element[0] === 'f' ? shape.field(element.slice(2)) : undefined
    const below = field?.shape ?? shape.below
    const named = below ? withNamedFields(child, below) : child
    children.set(element, field && !named.isMember ? new FieldSet(true, named.children) : named)
  }
  return new FieldSet(set.isMember, children)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isBare(value: object): boolean {
  for (const _ in value) return false
  return true
}
