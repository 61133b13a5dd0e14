import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { ObjectMeta } from '../../shared/openapi/generated/meta-v1.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import { entriesText } from '../ownership/packed-fields.ts'

/**
 * Metadata fields up to the revision hold only text that JSON escapes, so the first `"resourceVersion":"` of the text
 * is the real one whatever names and values the object has.
 */
const metadataOrder: readonly (keyof ObjectMeta)[] = [
  ...(['name', 'generateName', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'] as const),
  ...(['deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers'] as const),
]
const MARK = '"resourceVersion":"'

/** Makes the bytes that are stored under a revision. */
export interface Encode {
  (revision: number): Buffer
  /** About how many characters there will be. */
  readonly characters: number
}

/** The object's JSON with a gap for the revision: kind, apiVersion and metadata first, in the order upstream writes them. */
export function encodeObject(object: KubeObject): Encode {
  const { kind, apiVersion, metadata, ...rest } = object
  const ordered: Record<string, unknown> = {}
  for (const field of metadataOrder) {
    if (field === 'resourceVersion') ordered[field] = ''
    else if (metadata[field] !== undefined) ordered[field] = metadata[field]
  }
  const { managedFields } = metadata
  const text = managedFields?.length
    ? withEntries(JSON.stringify({ kind, apiVersion, metadata: ordered }), entriesText(managedFields), writeExactJson(rest))
    : writeExactJson({ kind, apiVersion, metadata: ordered, ...rest })
  const gap = text.indexOf(MARK) + MARK.length
  const head = text.slice(0, gap)
  const tail = text.slice(gap)
  return Object.assign((revision: number) => ownBuffer(`${head}${revision}${tail}`), { characters: text.length })
}

/** Managed fields are text already, and the last of the metadata. */
function withEntries(head: string, entries: string, rest: string): string {
  return `${head.slice(0, -2)},"managedFields":${entries}}${rest === '{}' ? '' : ','}${rest.slice(1)}`
}

/** Not cut from a shared slab, which small buffers kept for long would hold as a whole. */
function ownBuffer(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** Whether there are more bytes than an object may have. The mark of a deletion may pass the bound: what is there must be able to go. */
export function isTooLarge(encode: Encode, revision: number): boolean {
  // A character is up to three bytes; most objects are far below.
  return encode.characters * 3 > inputLimits.objectBytes && encode(revision).length > inputLimits.objectBytes
}

/** @param cause the store's own refusal, where its bound is the narrower one */
export function tooLarge(bytes: number, cause?: Error): StatusError {
  const allowed = cause ? 'fewer' : inputLimits.objectBytes
  const message = `the object is too large to be stored: it has ${bytes} bytes, and ${allowed} are allowed`
  return new StatusError('RequestEntityTooLarge', message, { cause })
}

/** Stored bytes under another revision, in memory of their own: for last states, and for objects that leave a selection. */
export function restamp(value: Buffer, revision: number): Buffer {
  const start = value.indexOf(MARK) + MARK.length
  const end = value.indexOf(0x22, start)
  const digits = String(revision)
  const bytes = Buffer.allocUnsafeSlow(start + digits.length + value.length - end)
  value.copy(bytes, 0, 0, start)
  bytes.write(digits, start, 'latin1')
  value.copy(bytes, start + digits.length, end)
  return bytes
}
