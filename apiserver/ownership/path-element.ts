/**
 * One step of a path in FieldsV1 (meta/v1): `f:name` a field, `k:{"name":"web"}` the item of a list with these keys, `v:"x"` a member of a set,
 * `i:0` a place in a list. Always written the same way, so that equal steps are equal texts.
 */
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'

/** A list item's keys that were left out have these values; undefined: they are needed. */
export interface ListKey {
  readonly name: string
  readonly fallback: unknown
}

export function fieldElement(name: string): string {
  return `f:${name}`
}

export function valueElement(value: unknown): string {
  return `v:${writeExactJson(value)}`
}

/** @param keys sorted by name. Undefined where no key has a value. */
export function keyElement(item: unknown, keys: readonly ListKey[]): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined
  const given = item as Readonly<Record<string, unknown>>
  let text = ''
  for (const { name, fallback } of keys) {
    const value = given[name] ?? fallback
    if (value === undefined) continue
    text += `${text === '' ? 'k:{' : ','}${JSON.stringify(name)}:${writeExactJson(value)}`
  }
  return text === '' ? undefined : `${text}}`
}

/** An element as somebody wrote it, in our way; undefined for a kind that is not known. @throws SyntaxError */
export function readElement(text: string): string | undefined {
  if (text[1] !== ':') throw new SyntaxError(`${JSON.stringify(text.slice(0, 100))} is no element of a path`)
  switch (text[0]) {
    case 'f':
      return text
    case 'v':
      return `v:${writeExactJson(readExactJson(text.slice(2)))}`
    case 'k': {
      const keys = readExactJson(text.slice(2))
      if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) throw new SyntaxError('the keys of a list item are an object')
      const parts = Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1))
      return `k:{${parts.map(([name, value]) => `${JSON.stringify(name)}:${writeExactJson(value)}`).join(',')}}`
    }
    case 'i':
      return `i:${Number.parseInt(text.slice(2), 10)}`
    default:
      return undefined
  }
}

/** A path for people, as upstream prints it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('')
}

function elementText(element: string): string {
  const rest = element.slice(2)
  switch (element[0]) {
    case 'f':
      return `.${rest}`
    case 'v':
      return `[=${rest}]`
    case 'k': {
      const keys = readExactJson(rest) as Record<string, unknown>
      return `[${Object.entries(keys)
        .map(([name, value]) => `${name}=${writeExactJson(value)}`)
        .join(',')}]`
    }
    default:
      return `[${rest}]`
  }
}
