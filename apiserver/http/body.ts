import { isUtf8 } from 'node:buffer'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { tooMuch } from '../../shared/limits/too-much.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import { brokenText, mayBeBroken } from '../../shared/text/well-formed.ts'
import { readYaml } from '../../shared/text/yaml.ts'
import { unreadable, unsupportedMediaType } from './body-error.ts'
import { countMembers, duplicatePaths, jsonShape } from './json-scan.ts'
import { mediaTypeOf } from './media-type.ts'

/**
 * A request body as data: valid Unicode, numbers that are exactly what was written, no deeper and no more than `inputLimits` say. Whole numbers of
 * 64 bits that a double would round are BigInts where the caller keeps them (`keepsLong`), and refused elsewhere.
 */
export interface ParsedBody {
  readonly value: unknown
  /** Sentences about keys given twice (`duplicate field "spec.replicas"`): errors or warnings, by the field validation asked for. The last one won. */
  readonly duplicates: readonly string[]
}

/** What every body may be in. */
export const bodyTypes: readonly string[] = ['application/json', 'application/yaml']

/**
 * Parses a body by its media type (JSON where none is given). `kind` is what the caller expects and `accepted` what it takes, for the message.
 * @throws StatusError BadRequest, UnsupportedMediaType, RequestEntityTooLarge
 */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  kind = 'object',
  accepted = bodyTypes,
  keepsLong = false,
): ParsedBody {
  const mediaType = mediaTypeOf(contentType)
  if (mediaType === '' || mediaType === 'application/json' || mediaType.endsWith('+json')) return parseJson(bytes, kind, keepsLong)
  if (mediaType === 'application/yaml' || mediaType.endsWith('+yaml')) return parseYaml(bytes, kind)
  throw unsupportedMediaType(accepted)
}

/** Parses JSON. @throws StatusError BadRequest */
export function parseJson(bytes: Buffer, kind = 'object', keepsLong = false): ParsedBody {
  const text = textOf(bytes, kind)
  const shape = jsonShape(text)
  if (shape.depth > inputLimits.depth) throw unreadable(kind, bytes, tooMuch.depth)
  if (shape.values > inputLimits.values) throw unreadable(kind, bytes, tooMuch.values)
  let value: unknown
  try {
    value = keepsLong && shape.long !== undefined ? readExactJson(text) : JSON.parse(text)
  } catch (error) {
    const reason = text.trim() === '' ? 'unexpected end of JSON input' : (error as Error).message
    throw unreadable(kind, bytes, `couldn't get version/kind; json parse error: ${reason}`, error)
  }
  const rounded = shape.inexact ?? (keepsLong ? undefined : shape.long)
  if (rounded !== undefined) throw unreadable(kind, bytes, tooMuch.number(rounded))
  const broken = mayBeBroken(text) ? brokenText(value) : undefined
  if (broken !== undefined) {
    const start = JSON.stringify(broken.slice(0, 100))
    throw unreadable(kind, bytes, `the text ${start} is not valid Unicode: half of a surrogate pair is missing`)
  }
  const duplicates =
    countMembers(value) === shape.members ? [] : duplicatePaths(text).map((path) => `duplicate field ${JSON.stringify(path)}`)
  return { value, duplicates }
}

/** Parses one YAML document. @throws StatusError BadRequest, RequestEntityTooLarge */
export function parseYaml(bytes: Buffer, kind = 'object'): ParsedBody {
  if (bytes.length > inputLimits.yamlBytes) {
    const message = `Request entity too large: limit is ${inputLimits.yamlBytes} for YAML; send JSON`
    throw new StatusError('RequestEntityTooLarge', message)
  }
  const text = textOf(bytes, kind)
  try {
    return readYaml(text)
  } catch (error) {
    throw unreadable(kind, bytes, `error converting YAML to JSON: yaml: ${(error as Error).message.split('\n', 1)[0]}`, error)
  }
}

function textOf(bytes: Buffer, kind: string): string {
  if (!isUtf8(bytes)) throw unreadable(kind, bytes, 'the body is not valid UTF-8')
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return bytes.toString('utf8', isMarked ? 3 : 0)
}
