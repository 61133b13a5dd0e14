/**
 * FieldsV1 is hundreds of small objects that nobody in this process looks at, so in memory it is one text: an entry of `metadata.managedFields`
 * has `fieldsV1: {'': '<the text>'}`, which no real set can look like (elements begin with `f:` and the like). It is plain data: cloned, frozen and
 * compared like the rest of an object. Only `registry/encode-object.ts` writes it out, and only `parseStored` reads it in.
 */
import type { KubeObject } from '../../shared/objects/object.ts'
import type { ManagedFieldsEntry } from '../../shared/openapi/generated/meta-v1.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'

type Fields = NonNullable<ManagedFieldsEntry['fieldsV1']>

const MARK = Buffer.from('"managedFields":[{')
const FIELDS = Buffer.from('"fieldsV1":{')
const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d] as const

export function packedFields(text: string): Fields {
  return { '': text }
}

/** The text inside; undefined for fields that are written out. */
export function fieldsText(fields: Fields): string | undefined {
  const text = fields['']
  return typeof text === 'string' ? text : undefined
}

/** Entries as JSON, with the fields as the objects that they are for everybody else. */
export function entriesText(entries: readonly ManagedFieldsEntry[]): string {
  const texts = entries.map((entry) => {
    const { fieldsV1, subresource, ...rest } = entry
    const head = JSON.stringify(rest).slice(0, -1)
    const fields = fieldsV1 && `,"fieldsV1":${fieldsText(fieldsV1) ?? JSON.stringify(fieldsV1)}`
    return `${head}${fields ?? ''}${subresource ? `,"subresource":${JSON.stringify(subresource)}` : ''}}`
  })
  return `[${texts.join()}]`
}

/** An object with the fields written out, for who looks into them. Shares the rest with the one given. */
export function withWrittenFields<T extends KubeObject>(object: T): T {
  const { managedFields } = object.metadata
  if (!managedFields?.some(({ fieldsV1 }) => fieldsV1 && fieldsText(fieldsV1) !== undefined)) return object
  return { ...object, metadata: { ...object.metadata, managedFields: JSON.parse(entriesText(managedFields)) as ManagedFieldsEntry[] } }
}

/**
 * Parses a stored object, its managed fields packed. Stored text has `managedFields` last in its metadata, and the metadata before everything
 * in which the same word could stand.
 */
export function parseStored(value: Buffer): KubeObject {
  const start = value.indexOf(MARK)
  if (start < 0) return readExactJson(value.toString()) as KubeObject
  const texts: string[] = []
  let rest = ''
  let done = 0
  for (let at = value.indexOf(FIELDS, start); at >= 0; at = value.indexOf(FIELDS, done)) {
    // Between two entries stand a few short texts; what is further away is not of this list.
    if (texts.length > 0 && isPastEntries(value, done, at)) break
    const open = at + FIELDS.length - 1
    const end = endOfObject(value, open)
    texts.push(value.toString('utf8', open, end))
    rest += `${value.toString('utf8', done, open)}{}`
    done = end
  }
  const object = readExactJson(rest + value.toString('utf8', done)) as KubeObject
  const entries = object.metadata.managedFields
  // The word was one of a template's metadata.
  if (entries?.length !== texts.length || !entries.every(({ fieldsV1 }) => fieldsV1)) return readExactJson(value.toString()) as KubeObject
  for (const [index, entry] of entries.entries()) entry.fieldsV1 = packedFields(interned(texts[index]!))
  return object
}

/** Where the list of entries ends before `to`: outside of texts there is a bracket that closes it. */
function isPastEntries(value: Buffer, from: number, to: number): boolean {
  let inText = false
  for (let at = from; at < to; at++) {
    const byte = value[at]
    if (byte === BACKSLASH) at++
    else if (byte === QUOTE) inText = !inText
    else if (!inText && byte === 0x5d) return true
  }
  return false
}

/** Just behind the brace that closes the one at `open`. */
function endOfObject(value: Buffer, open: number): number {
  let depth = 0
  let inText = false
  for (let at = open; at < value.length; at++) {
    const byte = value[at]
    if (inText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else if (byte === OPEN) depth++
    else if (byte === CLOSE && --depth === 0) return at + 1
  }
  return value.length
}

/** Objects of one shape share one text. */
const MOST_TEXTS = 2_000
const LONGEST_TEXT = 16 * 1024
const byText = new Map<string, string>()

function interned(text: string): string {
  if (text.length > LONGEST_TEXT) return text
  const known = byText.get(text)
  if (known !== undefined) return known
  if (byText.size >= MOST_TEXTS) byText.delete(byText.keys().next().value!)
  byText.set(text, text)
  return text
}
