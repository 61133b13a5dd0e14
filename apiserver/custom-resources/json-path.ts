/**
 * The JSON paths of CustomResourceDefinitions: printer columns, scale, selectable fields. The notation is kubectl's without braces:
 * `.spec.replicas`, `.spec['a.b']`, `.items[0].name`, `.items[*].name`, `.status.conditions[?(@.type=="Ready")].status`, `..name`.
 */
import { own } from '../../shared/objects/own.ts'

type Step =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly every: true }
  | { readonly deep: true }
  | { readonly where: { readonly path: JsonPath; readonly operator: string; readonly value: unknown } }

export type JsonPath = readonly Step[]

/** Values that a path may lead to; a column shows the first. */
const RESULTS = 1_000
/** Characters of a path: longer ones are nobody's. */
const CHARACTERS = 1_024

/** @throws Error in a sentence that says what is wrong */
export function parseJsonPath(text: string): JsonPath {
  if (text.length > CHARACTERS) throw new Error(`a path may have ${CHARACTERS} characters`)
  const steps: Step[] = []
  let rest = text.startsWith('$') || text.startsWith('@') ? text.slice(1) : text
  while (rest !== '') {
    const [step, length] = nextStep(rest)
    if (step) steps.push(step)
    rest = rest.slice(length)
  }
  return steps
}

function nextStep(rest: string): [Step | undefined, number] {
  if (rest.startsWith('..')) return [{ deep: true }, 1]
  if (rest.startsWith('.*')) return [{ every: true }, 2]
  if (rest === '.') return [undefined, 1]
  if (rest.startsWith('.[')) return [undefined, 1]
  if (rest.startsWith('.')) {
    const match = /^\.((?:\\.|[^.[\]\\\s'"()])+)/.exec(rest)
    if (!match) throw new Error(`found no field name after the dot at ${JSON.stringify(rest)}`)
    return [{ field: match[1]!.replace(/\\(.)/g, '$1') }, match[0].length]
  }
  if (!rest.startsWith('[')) throw new Error(`a path goes on with "." or "[", not with ${JSON.stringify(rest)}`)
  const plain = /^\[(?:'([^']*)'|"([^"]*)"|(-?\d{1,9})|(\*))\]/.exec(rest)
  if (plain) return [plainStep(plain), plain[0].length]
  const filter = /^\[\?\(\s*(@[^=!<>\s]*)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|-?[\d.]+|true|false))?\s*\)\]/.exec(rest)
  if (!filter) throw new Error(`cannot read ${JSON.stringify(rest)}`)
  const [whole, path, operator = 'exists', value = ''] = filter
  return [{ where: { path: parseJsonPath(path!), operator, value: literal(value) } }, whole.length]
}

function plainStep([, single, double, index, every]: RegExpExecArray): Step {
  if (every) return { every: true }
  if (index !== undefined) return { index: Number(index) }
  return { field: single ?? double ?? '' }
}

function literal(text: string): unknown {
  if (text.startsWith('"') || text.startsWith("'")) return text.slice(1, -1)
  if (text === 'true' || text === 'false') return text === 'true'
  return Number(text)
}

/** Where a path leads in a value, in order; nothing where it leads nowhere. */
export function valuesAt(path: JsonPath, value: unknown): unknown[] {
  let current: unknown[] = [value]
  for (const step of path) {
    const next: unknown[] = []
    for (const each of current) {
      for (const found of follow(step, each)) {
        if (next.length === RESULTS) break
        next.push(found)
      }
    }
    current = next
  }
  return current.filter((each) => each !== undefined)
}

function* follow(step: Step, value: unknown): Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return
  if ('deep' in step) yield* everything(value)
  else if ('every' in step) yield* Object.values(value)
  else if ('where' in step) {
    for (const each of Array.isArray(value) ? value : [value]) if (isMet(step.where, each)) yield each
  } else if ('index' in step) {
    if (Array.isArray(value)) yield value.at(step.index)
  } else yield own(value as Record<string, unknown>, step.field)
}

function* everything(value: unknown): Iterable<unknown> {
  const waiting = [value]
  for (let count = 0; waiting.length > 0 && count < RESULTS; count++) {
    const next = waiting.pop()
    yield next
    if (typeof next === 'object' && next !== null) waiting.push(...Object.values(next).reverse())
  }
}

function isMet({ path, operator, value }: Extract<Step, { where: unknown }>['where'], candidate: unknown): boolean {
  const [found] = valuesAt(path, candidate)
  if (found === undefined) return false
  const [left, right] = [found as number, value as number]
  switch (operator) {
    case '==':
      return found === value
    case '!=':
      return found !== value
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    default:
      return true
  }
}

/** Whether a path is only names, one below the other, as scale and selectable fields need it. */
export function fieldNames(path: JsonPath): string[] | undefined {
  const names: string[] = []
  for (const step of path) {
    if (!('field' in step)) return undefined
    names.push(step.field)
  }
  return names
}

/** Sets the value below plain field names, making the objects on the way. */
export function setAt(object: Record<string, unknown>, names: readonly string[], value: unknown): void {
  let place = object
  for (const name of names.slice(0, -1)) {
    const next = own(place, name)
    if (typeof next !== 'object' || next === null || Array.isArray(next)) define(place, name, {})
    place = place[name] as Record<string, unknown>
  }
  define(place, names.at(-1)!, value)
}

function define(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}
