import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import type { MetaVersion } from '../http/content-type.ts'
import { encodeItem, listFrame } from '../protobuf/encode-protobuf.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { ListPage, ObjectStore } from '../registry/read-object.ts'
import { metadataOf, tableOf } from '../registry/table.ts'
import { asServed, bytesAsServed } from '../registry/versions.ts'
import type { Call } from './call.ts'
import type { ListPieces } from './stream-list.ts'

/** What a list says of itself. */
export function listMeta(page: ListPage): object {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  }
}

const JSON_FORM = { separator: Buffer.from(','), tail: Buffer.from(']}\n'), contentType: 'application/json' }

/** Stored bytes, or what is rendered of them, joined as JSON. */
export function jsonPieces({ resource, representation }: Call, page: ListPage, now: number): ListPieces {
  const metadata = JSON.stringify(listMeta(page))
  if (representation.shape === 'object') {
    const head = Buffer.from(`{"kind":"${resource.listKind}","apiVersion":"${resource.apiVersion}","metadata":${metadata},"items":[`)
    let length = Math.max(0, page.entries.length - 1)
    const items = page.entries.map((entry) => bytesAsServed(resource, entry.value))
    for (const item of items) length += item.length
    return { ...JSON_FORM, head, items, length }
  }
  if (representation.shape === 'metadata') {
    const head = Buffer.from(`{"kind":"PartialObjectMetadataList","apiVersion":"${representation.meta}","metadata":${metadata},"items":[`)
    const items = parsed(page.entries, (object) => metadataOf(asServed(resource, object), representation.meta))
    return { ...JSON_FORM, head, items, length: undefined }
  }
  const style = { ...representation, now }
  const { columnDefinitions } = tableOf(resource, [], {}, style)
  const columns = JSON.stringify(columnDefinitions)
  const head = Buffer.from(
    `{"kind":"Table","apiVersion":"${representation.meta}","metadata":${metadata},"columnDefinitions":${columns},"rows":[`,
  )
  const items = parsed(page.entries, (object) => tableOf(resource, [object], {}, style).rows[0]!)
  return { ...JSON_FORM, head, items, length: undefined }
}

/** Entry by entry, so that a large table is never in memory as a whole. */
function* parsed(entries: readonly StoredEntry[], render: (object: KubeObject) => object): Iterable<Buffer> {
  for (const entry of entries) yield Buffer.from(writeExactJson(render(readExactJson(entry.value.toString()) as KubeObject)))
}

const EMPTY = Buffer.alloc(0)
/** Stored bytes that are encoded in less than a turn: a list of no more waits for none. */
const TURN_BYTES = 128 * 1024
/** Encoded items that a list holds for the time of sending; those beyond are encoded again when their turn comes. */
const HELD_BYTES = 16 * 1024 * 1024

/** A message says its length first: its items are encoded before anything is sent, the others' turns in between. */
export async function protobufPieces(
  { resource, representation }: Pick<Call, 'resource' | 'representation'>,
  page: ListPage,
  { encoded, turns }: Pick<ObjectStore, 'encoded' | 'turns'>,
): Promise<ListPieces> {
  const { shape, meta, contentType } = representation
  const { entries } = page
  const isMetadata = shape === 'metadata'
  const encode = (entry: StoredEntry) => (isMetadata ? metadataItem(entry, meta) : encoded.itemOf(resource, entry))
  const held: Buffer[] = []
  let length = 0
  const isLong = entries.reduce((bytes, { value }) => bytes + value.length, 0) > TURN_BYTES
  if (isLong) await turns.next()
  for (const entry of entries) {
    const item = encode(entry)
    length += item.length
    if (length <= HELD_BYTES) held.push(item)
    if (isLong && turns.isOver) await turns.next()
  }
  const list = isMetadata ? { apiVersion: meta, kind: 'PartialObjectMetadataList' } : { ...resource, kind: resource.listKind }
  return { ...listFrame(list, listMeta(page), length), items: sentItems(entries, held, encode), length, separator: EMPTY, contentType }
}

function* sentItems(entries: readonly StoredEntry[], held: readonly Buffer[], encode: (entry: StoredEntry) => Buffer): Iterable<Buffer> {
  for (const [index, entry] of entries.entries()) yield held[index] ?? encode(entry)
}

/** Metadata is the same in every version. */
function metadataItem({ value }: StoredEntry, meta: MetaVersion): Buffer {
  const object = readExactJson(value.toString()) as KubeObject
  return encodeItem({ apiVersion: meta, kind: 'PartialObjectMetadata' }, object)
}
