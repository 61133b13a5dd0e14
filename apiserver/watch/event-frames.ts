import type { KubeObject } from '../../shared/objects/object.ts'
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import type { Representation } from '../http/content-type.ts'
import { encodeWatchEvent, type Typed } from '../protobuf/encode-protobuf.ts'
import { restamp } from '../registry/encode-object.ts'
import type { ObjectFacts, StoredEntry } from '../registry/object-facts.ts'
import type { Resource } from '../registry/resource-table.ts'
import { metadataOf, tableOf } from '../registry/table.ts'
import { asServed, bytesAsServed } from '../registry/versions.ts'
import type { Change } from '../storage/storage.ts'

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

const NEWLINE_BRACE = Buffer.from('}\n')
const heads: Record<EventType, Buffer> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
}

export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/** What a stream of events is, as upstream calls it: lines of JSON, or frames of protobuf. */
export function streamTypeOf({ format, contentType }: Representation): string {
  return format === 'protobuf' ? `${contentType};stream=watch` : contentType
}

/** One event as watchers of this representation are sent it: a line of JSON, or a frame of protobuf. */
export function eventFrame(resource: Resource, type: EventType, value: Buffer, representation: Representation, now: number): Buffer {
  if (representation.format === 'protobuf') return protobufFrame(resource, type, value, representation)
  return Buffer.concat([heads[type], shaped(resource, value, representation, now), NEWLINE_BRACE])
}

function protobufFrame(resource: Resource, type: EventType, value: Buffer, { shape, meta }: Representation): Buffer {
  const object = readExactJson(value.toString()) as KubeObject
  // Metadata is the same in every version.
  return encodeWatchEvent(type, shape === 'metadata' ? metadataOf(object, meta) : asServed(resource, object))
}

function shaped(resource: Resource, value: Buffer, representation: Representation, now: number): Buffer {
  if (representation.shape === 'object') return bytesAsServed(resource, value)
  const object = readExactJson(value.toString()) as KubeObject
  if (representation.shape === 'metadata') return Buffer.from(writeExactJson(metadataOf(asServed(resource, object), representation.meta)))
  const { resourceVersion } = object.metadata
  const table = tableOf(resource, [object], { resourceVersion }, { ...representation, now })
  return Buffer.from(writeExactJson(table))
}

/** Progress without a change; with `isEnd`, the mark that the initial events are over. */
export function bookmarkFrame(resource: Resource, revision: number, representation: Representation, isEnd = false): Buffer {
  const metadata = { resourceVersion: String(revision), ...(isEnd ? { annotations: { [INITIAL_EVENTS_END]: 'true' } } : {}) }
  const { kind, apiVersion } = resource
  const object =
    representation.shape === 'object'
      ? { kind, apiVersion, metadata: { ...metadata, creationTimestamp: null } }
      : representation.shape === 'metadata'
        ? { kind: 'PartialObjectMetadata', apiVersion: representation.meta, metadata }
        : { ...tableOf(resource, [], metadata, { ...representation, includeObject: 'None', now: 0 }), rows: [] }
  return plainFrame('BOOKMARK', object, representation)
}

/** What ends a watch that cannot go on. */
export function errorFrame(status: Typed, representation: Representation): Buffer {
  return plainFrame('ERROR', status, representation)
}

function plainFrame(type: string, object: Typed, { format }: Representation): Buffer {
  return format === 'protobuf' ? encodeWatchEvent(type, object) : Buffer.from(`${JSON.stringify({ type, object })}\n`)
}

/** The frames of one change, each built at most once however many watchers get it. */
export class ChangeFrames {
  readonly change: Change<ObjectFacts>
  readonly #now: number
  readonly #frames = new Map<string, Buffer | Promise<Buffer>>()

  constructor(change: Change<ObjectFacts>, now: number) {
    this.change = change
    this.#now = now
  }

  /**
   * What a watcher sees that selects the states before and after, or one of them; undefined when it selects neither. A promise where somebody
   * outside converts.
   */
  frame(
    resource: Resource,
    selects: (entry: StoredEntry) => boolean,
    representation: Representation,
  ): Buffer | Promise<Buffer> | undefined {
    const { change } = this
    const isIn = change.type === 'put' && selects(change.entry)
    const wasIn = change.previous !== undefined && selects(change.previous)
    if (!isIn && !wasIn) return undefined
    const type = isIn ? (wasIn ? 'MODIFIED' : 'ADDED') : 'DELETED'
    const key = `${type} ${resource.apiVersion} ${representation.key}`
    const known = this.#frames.get(key)
    if (known) return known
    // An object that leaves the selection is shown as it was when it still belonged, under the revision of the change.
    const entry = type !== 'DELETED' || change.type === 'delete' ? change.entry : restamped(change.previous!, change.revision)
    const frame = this.#frameOf(resource, type, entry, representation)
    this.#frames.set(key, frame)
    return frame
  }

  #frameOf(resource: Resource, type: EventType, entry: StoredEntry, representation: Representation): Buffer | Promise<Buffer> {
    const frame = (value: Buffer) => eventFrame(resource, type, value, representation, this.#now)
    // Metadata is the same in every version: who follows it alone waits for no converter.
    if (!resource.custom || representation.shape === 'metadata') return frame(entry.value)
    const shown = resource.custom.shown([entry])
    return shown instanceof Promise ? shown.then(([first]) => frame(first!.value)) : frame(shown[0]!.value)
  }
}

function restamped({ key, value, createRevision, facts }: StoredEntry, revision: number): StoredEntry {
  return { key, value: restamp(value, revision), revision, createRevision, facts }
}
