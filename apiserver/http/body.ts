import { isUtf8 } from 'node:buffer'
import { createRequire } from 'node:module'
import type { Document, LineCounter } from 'yaml'
import { StatusError } from '../../shared/errors/status-error.ts'
import { countMembers, duplicatePaths, jsonShape } from './json-scan.ts'

/** A request body as data. */
export interface ParsedBody {
  readonly value: unknown
  /** Sentences about keys given twice (`duplicate field "spec.replicas"`): errors or warnings, by the field validation asked for. The last one won. */
  readonly duplicates: readonly string[]
}

/** Deeper bodies are refused: every walk over a body is recursive. */
const DEPTH_LIMIT = 500
/** How often YAML aliases may multiply what is written. */
const ALIAS_LIMIT = 100

const accepted = 'application/json, application/yaml'

/**
 * Parses a body by its media type (JSON where none is given). `kind` is what the caller expects, for the message.
 * @throws StatusError BadRequest, UnsupportedMediaType
 */
export function parseBody(bytes: Buffer, contentType: string | undefined, kind = 'object'): ParsedBody {
  const mediaType = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (mediaType === '' || mediaType === 'application/json' || mediaType.endsWith('+json')) return parseJson(bytes, kind)
  if (mediaType === 'application/yaml' || mediaType.endsWith('+yaml')) return parseYaml(bytes, kind)
  throw new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  )
}

/** Parses JSON. @throws StatusError BadRequest */
export function parseJson(bytes: Buffer, kind = 'object'): ParsedBody {
  const text = textOf(bytes, kind)
  const shape = jsonShape(text)
  if (shape.depth > DEPTH_LIMIT) throw unreadable(kind, bytes, 'exceeded max depth')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const reason = text.trim() === '' ? 'unexpected end of JSON input' : (error as Error).message
    throw unreadable(kind, bytes, `couldn't get version/kind; json parse error: ${reason}`, error)
  }
  const duplicates =
    countMembers(value) === shape.members ? [] : duplicatePaths(text).map((path) => `duplicate field ${JSON.stringify(path)}`)
  return { value, duplicates }
}

/**
 * Parses one YAML document by the rules Kubernetes' clients know (YAML 1.1: `yes`, `0755`, merge keys; dates and 1:30 stay text).
 * @throws StatusError BadRequest
 */
export function parseYaml(bytes: Buffer, kind = 'object'): ParsedBody {
  const text = textOf(bytes, kind)
  try {
    const { document, lines } = yamlDocument(text)
    // The round trip turns what only YAML has (dates, infinities, anchors) into JSON, and refuses cycles.
    const json = JSON.stringify(document.toJS({ maxAliasCount: ALIAS_LIMIT })) ?? 'null'
    if (jsonShape(json).depth > DEPTH_LIMIT) throw new Error('exceeded max depth')
    return { value: JSON.parse(json), duplicates: yamlDuplicates(document, lines) }
  } catch (error) {
    throw unreadable(kind, bytes, `error converting YAML to JSON: yaml: ${(error as Error).message.split('\n', 1)[0]}`, error)
  }
}

/** Loaded when the first YAML body comes, because most servers never see one. */
function yamlLibrary(): typeof import('yaml') {
  return createRequire(import.meta.url)('yaml')
}

function yamlDocument(text: string): { document: Document.Parsed; lines: LineCounter } {
  const yaml = yamlLibrary()
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(text, {
    version: '1.1',
    uniqueKeys: false,
    lineCounter: lines,
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || (!tag.tag.endsWith(':timestamp') && tag.format !== 'TIME')),
  })
  if (document.errors[0]) throw document.errors[0]
  return { document, lines }
}

function yamlDuplicates(document: Document.Parsed, lines: LineCounter): string[] {
  const { isScalar, visit } = yamlLibrary()
  const found: string[] = []
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        const line = lines.linePos(key.range?.[0] ?? 0).line
        if (seen.has(key.value)) found.push(`line ${line}: key ${JSON.stringify(key.value)} already set in map`)
        seen.add(key.value)
      }
    },
  })
  return found.length === 0 ? [] : [`yaml: unmarshal errors:\n  ${found.join('\n  ')}`]
}

function textOf(bytes: Buffer, kind: string): string {
  if (!isUtf8(bytes)) throw unreadable(kind, bytes, 'the body is not valid UTF-8')
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return bytes.toString('utf8', isMarked ? 3 : 0)
}

function unreadable(kind: string, bytes: Buffer, reason: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `the object provided is unrecognized (must be of type ${kind}): ${reason} (${summary(bytes)})`, {
    cause,
  })
}

/** The first bytes: as text where they look like JSON, else in hex. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const encoding = bytes[0] === 0x7b ? 'utf8' : 'hex'
  const start = bytes.toString(encoding, 0, Math.min(bytes.length, 30))
  return bytes.length > 30 ? `${start} ...` : start
}
