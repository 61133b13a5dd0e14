import { shortened } from '../../shared/errors/quoted.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { definitionNameOf, splitApiVersion } from '../../shared/openapi/kinds.ts'
import { type DecodeState, decoderOf } from '../../shared/openapi/schema-decoder.ts'
import { jsonTypeOf, TypeMismatch } from '../../shared/openapi/schema-scalars.ts'

/** What to do with fields the schema does not know and keys given twice (`fieldValidation` of a request). They are never stored. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

export interface DecodeOptions {
  fieldValidation: FieldValidation
  /** Sentences from `parseBody`. */
  duplicates?: readonly string[] | undefined
  /** Receives the sentences for `Warning` headers. */
  warn?: ((sentence: string) => void) | undefined
}

/** What a body is to be: a kind that the release has, or one that decodes itself. */
export interface Decodable {
  readonly apiVersion: string
  readonly kind: string
  /** Versions that are served no more and whose bodies were of this very shape: read as this one. */
  readonly formerVersions?: readonly string[] | undefined
  readonly custom?: { decode(value: unknown, options: DecodeOptions): KubeObject } | undefined
}

/** `decodeObject` for any kind that is served. @throws StatusError BadRequest */
export function decodeAs(of: Decodable, value: unknown, options: DecodeOptions): KubeObject {
  return of.custom ? of.custom.decode(value, options) : decodeObject(of.apiVersion, of.kind, inPresentVersion(value, of), options)
}

function inPresentVersion(value: unknown, { apiVersion, formerVersions }: Decodable): unknown {
  if (formerVersions === undefined || typeof value !== 'object' || value === null || !('apiVersion' in value)) return value
  return formerVersions.some((former) => former === value.apiVersion) ? { ...value, apiVersion } : value
}

/**
 * Turns a parsed body into an object of the kind, as Go's decoder would: shape checked, unknown fields dropped, structs filled in,
 * quantities and times canonical. `apiVersion` and `kind` may be missing in the body and are then set. The input must not be used any more.
 * @throws StatusError BadRequest
 */
export function decodeObject(apiVersion: string, kind: string, value: unknown, options: DecodeOptions): KubeObject {
  const name = definitionNameOf(apiVersion, kind)
  const decode = name === undefined ? undefined : decoderOf(name)
  if (!decode) throw new Error(`no schema is known for ${kind} of ${apiVersion}`)
  const given = typedObject(apiVersion, kind, value)
  const state: DecodeState = { path: [], unknown: options.fieldValidation === 'Ignore' ? undefined : [] }
  let decoded: KubeObject
  try {
    decoded = decode(value, state) as KubeObject
  } catch (error) {
    throw unfitting(apiVersion, kind, error)
  }
  reportUnknown(apiVersion, kind, state.unknown ?? [], options)
  if (given.apiVersion && given.kind) return decoded
  return { ...decoded, kind, apiVersion }
}

/** A value as an object that claims no other type. @throws StatusError BadRequest */
export function typedObject(apiVersion: string, kind: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = value === null ? 'null' : jsonTypeOf(value)
    throw new StatusError(
      'BadRequest',
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into an object`,
    )
  }
  const given = value as Record<string, unknown>
  checkType(given, apiVersion, kind)
  return given
}

/** What a decoder throws, as the answer to whoever sent it. */
export function unfitting(apiVersion: string, kind: string, error: unknown): unknown {
  return error instanceof TypeMismatch ? cannotBeHandled(apiVersion, kind, kind, error.message, error) : error
}

/** Tells, or refuses, fields that the schema does not know and keys given twice, as was asked for. @throws StatusError BadRequest */
export function reportUnknown(apiVersion: string, kind: string, unknown: readonly string[], options: DecodeOptions): void {
  if (options.fieldValidation === 'Ignore') return
  const duplicates = options.duplicates ?? []
  if (unknown.length + duplicates.length === 0) return
  const sentences = [...unknown.map((path) => `unknown field ${JSON.stringify(path)}`), ...duplicates].slice(0, inputLimits.problems)
  if (options.fieldValidation === 'Strict') {
    throw cannotBeHandled(apiVersion, kind, kind, `strict decoding error: ${sentences.join(', ')}`)
  }
  for (const sentence of sentences) options.warn?.(sentence)
}

/** A body may leave its type out, but not claim another one. */
function checkType(given: { apiVersion?: unknown; kind?: unknown }, apiVersion: string, kind: string): void {
  const givenKind = typeof given.kind === 'string' && given.kind !== '' ? given.kind : kind
  const givenVersion = typeof given.apiVersion === 'string' && given.apiVersion !== '' ? given.apiVersion : apiVersion
  if (givenVersion !== apiVersion) {
    const message = `the API version in the data (${shortened(givenVersion)}) does not match the expected API version (${apiVersion})`
    throw new StatusError('BadRequest', message)
  }
  if (givenKind !== kind)
    throw cannotBeHandled(apiVersion, shortened(givenKind), kind, `the body is a ${shortened(givenKind)}, not a ${kind}`)
}

function cannotBeHandled(apiVersion: string, given: string, kind: string, why: string, cause?: unknown): StatusError {
  const { version } = splitApiVersion(apiVersion)
  return new StatusError('BadRequest', `${given} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`, { cause })
}
