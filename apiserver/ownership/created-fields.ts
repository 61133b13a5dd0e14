import type { KubeObject } from '../../shared/objects/object.ts'
import { sameValue } from '../registry/same-value.ts'
import type { Shape } from './owned-shape.ts'
import { keyElement, valueElement } from './path-element.ts'
import { isServers, isServersOfMetadata } from './stripped-fields.ts'

type JsonObject = Readonly<Record<string, unknown>>

/**
 * The fields that the creator of an object owns, as FieldsV1 text: what `compareFields` would find against an empty object, but in one walk and
 * without a set in between, because every create pays for it. Empty text: none.
 * @param empty the object as decoding leaves an empty one: what is in it is there for everybody, and only what differs from it is owned
 * @param without fields of the object that a creator cannot set
 */
export function createdFields(shape: Shape, object: KubeObject, empty: KubeObject, without: readonly string[]): string {
  const before = empty as unknown as JsonObject
  const after = object as unknown as JsonObject
  let parts = ''
  for (const { name, label, shape: below } of shape.fields) {
    const value = after[name]
    if (value === undefined || isServers(name) || without.includes(name)) continue
    const text = name === 'metadata' ? metadataText(below, value as JsonObject) : presentText(below, before[name], value)
    if (text) parts += `${parts && ','}${label}${text}`
  }
  return parts && `{${parts}}`
}

function metadataText(shape: Shape, metadata: JsonObject): string {
  let parts = ''
  for (const { name, label, shape: below } of shape.fields) {
    const value = metadata[name]
    if (value === undefined || isServersOfMetadata(name)) continue
    parts += `${parts && ','}${label}${addedText(below, value)}`
  }
  return parts && `{${parts}}`
}

/** Of a place that was not there before: it and everything in it. */
function addedText(shape: Shape, value: unknown): string {
  const parts = shape.kind === 'leaf' ? '' : inner(shape, undefined, value)
  return parts ? `{".":{},${parts}}` : '{}'
}

/** Of a place that was there, as in the empty object; empty text where nothing differs. */
function presentText(shape: Shape, before: unknown, value: unknown): string {
  if (before === undefined) return addedText(shape, value)
  if (shape.kind === 'leaf' || (isBare(before) && isBare(value))) return sameValue(before, value) ? '' : '{}'
  const parts = inner(shape, before, value)
  return parts && `{${parts}}`
}

function inner(shape: Shape, before: unknown, value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  switch (shape.kind) {
    case 'struct':
      return shape.below ? keyTexts(shape, before, value) : fieldTexts(shape, before, value as JsonObject)
    case 'map':
    case 'open':
      return Array.isArray(value) ? '' : keyTexts(shape, before, value)
    default:
      return Array.isArray(value) ? itemTexts(shape, value) : ''
  }
}

function fieldTexts(shape: Shape, before: unknown, value: JsonObject): string {
  let parts = ''
  for (const { name, label, shape: below } of shape.fields) {
    const item = value[name]
    if (item === undefined) continue
    const text = presentText(below, fieldOf(before, name), item)
    if (text) parts += `${parts && ','}${label}${text}`
  }
  return parts
}

function keyTexts(shape: Shape, before: unknown, value: object): string {
  let parts = ''
  const names = Object.keys(value)
  if (names.length > 1) names.sort()
  for (const name of names) {
    const below = shape.field(name)?.shape ?? shape.below!
    const text = presentText(below, fieldOf(before, name), (value as JsonObject)[name])
    if (text) parts += `${parts && ','}${JSON.stringify(`f:${name}`)}:${text}`
  }
  return parts
}

/** Lists of the empty object are empty, so every item is new. */
function itemTexts(shape: Shape, items: readonly unknown[]): string {
  const below = shape.below!
  const texts = new Map<string, string>()
  for (const item of items) {
    const element = shape.kind === 'set' ? valueElement(item) : keyElement(item, shape.keys)
    if (element !== undefined && !texts.has(element)) texts.set(element, shape.kind === 'set' ? '{}' : addedText(below, item))
  }
  const elements = [...texts.keys()]
  if (elements.length > 1) elements.sort()
  return elements.map((element) => `${JSON.stringify(element)}:${texts.get(element)}`).join()
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined
}

/** Nothing in it to go into. */
function isBare(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}
