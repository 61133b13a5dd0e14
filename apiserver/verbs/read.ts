import type { KubeObject } from '../../shared/objects/object.ts'
import type { Reply } from '../http/exchange.ts'
import { headersFor, sendObject } from '../http/response.ts'
import { listOptions } from '../registry/list-options.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { ListPage } from '../registry/read-object.ts'
import { selectionOf } from '../registry/selection.ts'
import { metadataOf, tableOf } from '../registry/table.ts'
import { asServed, bytesAsServed, shownEntries } from '../registry/versions.ts'
import { answerObject, answerScale, type Call, namespaceOf, type VerbTools, wholeList } from './call.ts'
import { getDerived, listDerived } from './derived.ts'

/** 200 404 504 */
export function get(call: Call, tools: VerbTools): void | Promise<void> {
  const { info, resource } = call
  const { derived } = resource.definition.hooks
  if (derived) return getDerived(call, derived, tools)
  const version = info.query.size === 0 ? null : info.query.get('resourceVersion')
  const entry = tools.store.get(resource, namespaceOf(call), info.name, version)
  if (resource.custom) return getShown(call, entry, tools)
  if (info.subresource === 'scale') {
    return answerScale(call, tools.objects.objectOf(entry), tools.clock.now())
  }
  return answerObject(call, 200, entry.value, tools.clock.now())
}

async function getShown(call: Call, entry: StoredEntry, tools: VerbTools): Promise<void> {
  const [shown] = await shownEntries(call.resource, [entry])
  const now = tools.clock.now()
  if (call.info.subresource === 'scale') return answerScale(call, JSON.parse(shown!.value.toString()) as KubeObject, now)
  return answerObject(call, 200, shown!.value, now)
}

/** 200 400 410 422 504 */
export async function list(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource, representation } = call
  const options = listOptions(info.query, false)
  const { derived } = resource.definition.hooks
  if (derived) return listDerived(call, derived, tools)
  const selection = selectionOf(resource, namespaceOf(call), info)
  const stored = await tools.store.list(resource, selection, options)
  // Metadata is the same in every version: who lists it alone waits for no converter.
  const isShown = resource.custom && representation.shape !== 'metadata'
  const page = isShown ? { ...stored, entries: await shownEntries(resource, stored.entries) } : stored
  if (representation.format === 'yaml' || representation.pretty) return sendWholeList(call, page, tools.clock.now())
  return streamList(call.reply, listPieces(call, page, tools.clock.now()), call.warnings)
}

/** How much is handed to the connection at once; between two of these, others get their turn. */
const CHUNK_BYTES = 256 * 1024
/** Lists up to this size are sent in one piece with their length. */
const WHOLE_BYTES = 512 * 1024

interface ListPieces {
  readonly head: Buffer
  readonly items: Iterable<Buffer>
  /** Bytes of all items, where that is known beforehand. */
  readonly length: number | undefined
  readonly count: number
}

const COMMA = Buffer.from(',')
const TAIL = Buffer.from(']}\n')

function listMeta(page: ListPage): object {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  }
}

function listPieces({ resource, representation }: Call, page: ListPage, now: number): ListPieces {
  const metadata = JSON.stringify(listMeta(page))
  const count = page.entries.length
  if (representation.shape === 'object') {
    const head = Buffer.from(`{"kind":"${resource.listKind}","apiVersion":"${resource.apiVersion}","metadata":${metadata},"items":[`)
    let length = 0
    const items = page.entries.map((entry) => bytesAsServed(resource, entry.value))
    for (const item of items) length += item.length
    return { head, items, length, count }
  }
  if (representation.shape === 'metadata') {
    const head = Buffer.from(`{"kind":"PartialObjectMetadataList","apiVersion":"${representation.meta}","metadata":${metadata},"items":[`)
    return {
      head,
      items: parsed(page.entries, (object) => metadataOf(asServed(resource, object), representation.meta)),
      length: undefined,
      count,
    }
  }
  const style = { ...representation, now }
  const { columnDefinitions } = tableOf(resource, [], {}, style)
  const columns = JSON.stringify(columnDefinitions)
  const head = Buffer.from(
    `{"kind":"Table","apiVersion":"${representation.meta}","metadata":${metadata},"columnDefinitions":${columns},"rows":[`,
  )
  return { head, items: parsed(page.entries, (object) => tableOf(resource, [object], {}, style).rows[0]!), length: undefined, count }
}

/** Entry by entry, so that a large table is never in memory as a whole. */
function* parsed(entries: readonly StoredEntry[], render: (object: KubeObject) => object): Iterable<Buffer> {
  for (const entry of entries) yield Buffer.from(JSON.stringify(render(JSON.parse(entry.value.toString()) as KubeObject)))
}

/** Joins stored bytes, with back-pressure. */
async function streamList(reply: Reply, pieces: ListPieces, warnings: readonly string[]): Promise<void> {
  const { head, items, count } = pieces
  const length = pieces.length === undefined ? undefined : head.length + pieces.length + Math.max(0, count - 1) + TAIL.length
  if (length !== undefined && length <= WHOLE_BYTES) {
    const parts: Buffer[] = [head]
    for (const item of items) parts.push(...(parts.length === 1 ? [item] : [COMMA, item]))
    parts.push(TAIL)
    return reply.send(200, 'application/json', Buffer.concat(parts, length), headersFor(warnings))
  }
  reply.begin(200, 'application/json', length, headersFor(warnings))
  const gone = new Promise<void>((resolve) => reply.onClose(resolve))
  let parts: Buffer[] = [head]
  let size = head.length
  let isFirst = true
  for (const item of items) {
    if (!isFirst) parts.push(COMMA)
    parts.push(item)
    isFirst = false
    size += item.length
    if (size < CHUNK_BYTES) continue
    await written(reply, Buffer.concat(parts), gone)
    if (reply.closed) return
    parts = []
    size = 0
  }
  parts.push(TAIL)
  reply.write(Buffer.concat(parts))
  reply.end()
}

/** Resolves when the peer is ready for more, or has gone. */
function written(reply: Reply, chunk: Buffer, gone: Promise<void>): Promise<void> {
  if (reply.write(chunk)) return new Promise((resolve) => setImmediate(resolve))
  return Promise.race([gone, new Promise<void>((resolve) => reply.onDrain(resolve))])
}

/** YAML and pretty JSON are for people: built as a whole. */
function sendWholeList(call: Call, page: ListPage, now: number): void | Promise<void> {
  const { resource, representation, reply, warnings } = call
  const objects = page.entries.map((entry) => JSON.parse(entry.value.toString()) as KubeObject)
  const body = wholeList(resource, representation, objects, listMeta(page), now)
  return sendObject(reply, 200, body, representation, warnings)
}
