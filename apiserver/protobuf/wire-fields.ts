import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { definition } from '../../shared/openapi/document.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'

/** A field as it travels. */
export interface WireField {
  readonly name: string
  readonly node: SchemaNode
  /** A list that Go has given a name of its own: its items are field 1 of a message. */
  readonly wrapped: boolean
}

/** What a field number stands for: a field, or (struct embedded in Go) further numbers of the same object. */
export type WireFields = ReadonlyMap<number, WireField | WireFields>

let numbers: Readonly<Record<string, string>> | undefined
const known = new Map<string, WireFields>()

/** The fields of a definition by their numbers, from the generated table; made when first asked for. Empty where nothing of it travels. */
export function wireFieldsOf(name: string): WireFields {
  const found = known.get(name)
  if (found) return found
  const path = join(import.meta.dirname, '../../shared/openapi/generated/wire.json')
  numbers ??= JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
  const made: Slots = new Map()
  const node = definition(name)
  for (const text of (numbers[name] ?? '').split(' ')) {
    const match = /^([^=]+)=([\d.]+)(\[\])?$/.exec(text)
    const field = match && node?.fields.get(match[1]!)
    if (field) place(made, match[2]!.split('.').map(Number), { name: match[1]!, node: field, wrapped: match[3] !== undefined })
  }
  known.set(name, made)
  return made
}

type Slots = Map<number, WireField | Slots>

function place(slots: Slots, steps: number[], field: WireField): void {
  const last = steps.pop()!
  let at = slots
  for (const step of steps) {
    const inner = at.get(step)
    const next: Slots = inner instanceof Map ? inner : new Map()
    at.set(step, next)
    at = next
  }
  at.set(last, field)
}
