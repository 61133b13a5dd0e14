import { definitionNameOf } from '../../shared/openapi/kinds.ts'
import { BackWriter } from './back-writer.ts'
import { BYTES, tagOf } from './wire-types.ts'
import { messageWriter } from './write-message.ts'

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
 * An object as field 2 of a message: so it stands in a list as well as in a body, and `joinWatchEvent` takes it.
 * @throws Error for a kind that has no protobuf form
 */
export function encodeItem(of: Typed, object: object): Buffer {
  return written((out) => writeItem(out, of, object))
}

/**
 * One event of a watch: four bytes of length, then meta/v1 WatchEvent, whose object is a body of its own.
 * @throws Error for a kind that has no protobuf form
 */
export function encodeWatchEvent(type: string, object: Typed): Buffer {
  return written((out) => writeEvent(out, type, () => writeEnvelope(out, object)))
}

/** The same of an object that is encoded already. */
export function joinWatchEvent(type: string, of: Typed, item: Buffer): Buffer {
  return written((out) =>
    writeEvent(out, type, () => {
      writeUnused(out)
      out.raw(item)
      writeType(out, of)
    }),
  )
}

/** What stands before and after the encoded items of a list, so that the whole is what `encodeProtobuf` makes of it. */
export interface ListFrame {
  readonly head: Buffer
  readonly tail: Buffer
}

/** Every list of the API has its metadata at this number, and its items at that of `encodeItem`. */
const METADATA = 1

/** @param of the type of the list. @param length bytes of all items */
export function listFrame(of: Typed, metadata: object, length: number): ListFrame {
  const head = written((out) => {
    messageWriter('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta')(out, metadata)
    out.lengthSince(0)
    out.byte(tagOf(METADATA, BYTES))
    out.varint(out.size + length)
    out.byte(tagOf(CONTENT, BYTES))
    writeType(out, of)
  })
  return { head, tail: written(writeUnused) }
}

let writer: BackWriter | undefined

/** Encoding waits for nothing, so that one writer does for all. */
function written(write: (out: BackWriter) => void): Buffer {
  writer ??= new BackWriter()
  writer.reset()
  write(writer)
  return writer.take()
}

function writeEvent(out: BackWriter, type: string, writeBody: () => void): void {
  writeBody()
  out.lengthSince(0)
  out.byte(tagOf(1, BYTES))
  out.lengthSince(0)
  out.byte(tagOf(2, BYTES))
  out.text(type)
  out.byte(tagOf(1, BYTES))
  out.frameSince(0)
}

function writeEnvelope(out: BackWriter, object: Typed): void {
  writeUnused(out)
  writeItem(out, object, object)
  writeType(out, object)
}

/** Where a body has its object, and a list its items. */
const CONTENT = 2

function writeItem(out: BackWriter, of: Typed, object: object): void {
  const before = out.size
  writerOf(of)(out, object)
  out.lengthSince(before)
  out.byte(tagOf(CONTENT, BYTES))
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
