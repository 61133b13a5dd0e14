import { definitionNameOf } from '../../shared/openapi/kinds.ts'
import { BackWriter } from './back-writer.ts'
import { messageWriter } from './wire-message.ts'
import { BYTES, tagOf } from './wire-values.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** What every body begins with. */
export const MAGIC = Buffer.from('k8s\u0000')

/** An object that says what it is. */
export interface Typed {
  readonly apiVersion: string
  readonly kind: string
}

/**
 * An object of a kind that the release has, as Go's serialiser writes it: the magic number, then runtime.Unknown with the type and the object.
 * @throws Error for a kind that has no protobuf form
 */
export function encodeProtobuf(object: Typed): Buffer {
  return written((out) => writeEnvelope(out, object))
}

/**
 * One event of a watch: four bytes of length, then meta/v1 WatchEvent, whose object is a body of its own.
 * @throws Error for a kind that has no protobuf form
 */
export function encodeWatchEvent(type: string, object: Typed): Buffer {
  return written((out) => {
    const start = out.size
    writeEnvelope(out, object)
    out.lengthSince(start)
    out.byte(tagOf(1, BYTES))
    out.lengthSince(start)
    out.byte(tagOf(2, BYTES))
    out.text(type)
    out.byte(tagOf(1, BYTES))
    out.frameSince(start)
  })
}

/** A list in pieces that, put one after the other, are what `encodeProtobuf` makes of the whole. */
export interface ListEncoder {
  item(object: object): Buffer
  /** @param length bytes of all items */
  head(metadata: object, length: number): Buffer
  readonly tail: Buffer
}

/** Every list of the API has its metadata and its items at these numbers. */
const METADATA = 1
const ITEMS = 2

/** @param of the type of the list. @throws Error for a kind that has no protobuf form */
export function listEncoder(of: Typed, itemOf: Typed): ListEncoder {
  const writeItem = writerOf(itemOf)
  const writeMeta = messageWriter('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta')
  return {
    item: (object) =>
      written((out) => {
        writeItem(out, object)
        out.lengthSince(0)
        out.byte(tagOf(ITEMS, BYTES))
      }),
    head: (metadata, length) =>
      written((out) => {
        writeMeta(out, metadata)
        out.lengthSince(0)
        out.byte(tagOf(METADATA, BYTES))
        out.varint(out.size + length)
        out.byte(tagOf(2, BYTES))
        writeType(out, of)
      }),
    tail: written(writeUnused),
  }
}

let writer: BackWriter | undefined

/** Encoding waits for nothing, so that one writer does for all. */
function written(write: (out: BackWriter) => void): Buffer {
  writer ??= new BackWriter()
  writer.reset()
  write(writer)
  return writer.take()
}

function writeEnvelope(out: BackWriter, object: Typed): void {
  writeUnused(out)
  const before = out.size
  writerOf(object)(out, object)
  out.lengthSince(before)
  out.byte(tagOf(2, BYTES))
  writeType(out, object)
}

/** The encoding and the content type of what is inside; Go writes both, and neither ever says anything. */
function writeUnused(out: BackWriter): void {
  out.text('')
  out.byte(tagOf(4, BYTES))
  out.text('')
  out.byte(tagOf(3, BYTES))
}

function writeType(out: BackWriter, { apiVersion, kind }: Typed): void {
  const before = out.size
  out.text(kind)
  out.byte(tagOf(2, BYTES))
  out.text(apiVersion)
  out.byte(tagOf(1, BYTES))
  out.lengthSince(before)
  out.byte(tagOf(1, BYTES))
  out.raw(MAGIC)
}

function writerOf({ apiVersion, kind }: Typed) {
  // Old clients' version of metadata; the same in every other way.
  const version = apiVersion === 'meta.k8s.io/v1beta1' ? 'meta.k8s.io/v1' : apiVersion
  const name = definitionNameOf(version, kind)
  if (name === undefined) throw new Error(`${kind} of ${apiVersion} has no protobuf form`)
  return messageWriter(name)
}
