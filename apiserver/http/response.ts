import { StatusError } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import { encodeProtobuf, type Typed } from '../protobuf/encode-protobuf.ts'
import { plainJson, type Representation } from './content-type.ts'
import type { Reply, ReplyHeaders } from './exchange.ts'

const NO_CACHE = 'no-cache, private'

/** Sends JSON bytes or an object in the representation that was negotiated. The only place where answers are rendered. */
export function sendObject(
  reply: Reply,
  code: number,
  body: Buffer | object,
  representation: Representation,
  warnings: readonly string[] = [],
): void | Promise<void> {
  reply.audit?.answers(code, body)
  const headers = headersFor(warnings)
  if (representation.format === 'yaml') return sendYaml(reply, code, body, headers)
  if (representation.format === 'protobuf') {
    const value = (Buffer.isBuffer(body) ? readExactJson(body.toString()) : body) as Typed
    // A list of resources does not say its version; it is a v1 one.
    return reply.send(code, representation.contentType, encodeProtobuf({ ...value, apiVersion: value.apiVersion ?? 'v1' }), headers)
  }
  if (!representation.pretty) {
    reply.send(code, representation.contentType, Buffer.isBuffer(body) ? body : writeExactJson(body), headers)
    return
  }
  const value: unknown = Buffer.isBuffer(body) ? readExactJson(body.toString()) : body
  reply.send(code, representation.contentType, `${writeExactJson(value, 2)}\n`, headers)
}

async function sendYaml(reply: Reply, code: number, body: Buffer | object, headers: ReplyHeaders): Promise<void> {
  const { stringify } = await import('yaml')
  const value: unknown = Buffer.isBuffer(body) ? readExactJson(body.toString()) : body
  reply.send(code, 'application/yaml', stringify(value, { version: '1.1', aliasDuplicateObjects: false }), headers)
}

export function headersFor(warnings: readonly string[]): ReplyHeaders {
  const headers: ReplyHeaders = { 'cache-control': NO_CACHE }
  if (warnings.length > 0) headers['warning'] = warningHeaders(warnings)
  return headers
}

/** All warnings together; more would not fit into what clients take as the head of an answer (upstream's limit). */
const WARNINGS_LIMIT = 4096

function warningHeaders(warnings: readonly string[]): string[] {
  const headers: string[] = []
  let room = WARNINGS_LIMIT
  for (const text of new Set(warnings)) {
    const header = `299 - "${quotable(text).slice(0, WARNINGS_LIMIT / 4)}"`
    room -= header.length
    if (room < 0) break
    headers.push(header)
  }
  return headers
}

/** Header values are one line of printable Latin-1 (RFC 7234 §5.5 wants a quoted string). */
function quotable(text: string): string {
  const line = text.replaceAll(/[\r\n\t]+/g, ' ').replaceAll(/[^\x20-\x7e]/g, '?')
  return line.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/** The only renderer of errors: whatever was thrown becomes a Status. Unexpected failures are logged with their cause and answered as 500. */
export function sendError(
  reply: Reply,
  error: unknown,
  log: Logger,
  about: Record<string, unknown>,
  representation = plainJson,
  warnings: readonly string[] = [],
): void {
  const known = error instanceof StatusError ? error : unexpected(error, log, about)
  const status = known.toStatus()
  reply.audit?.answers(known.code, status)
  if (known !== error) reply.audit?.panics(known.message)
  if (reply.closed) return
  if (reply.started) {
    log.warn('an answer had begun when it failed; the connection is broken off', { ...about, error })
    reply.abort()
    return
  }
  const headers = headersFor(warnings)
  const retryAfter = known.details?.retryAfterSeconds
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  if (known.code === 401) headers['www-authenticate'] = 'Bearer realm="coxswain"'
  if (representation.format === 'protobuf') return reply.send(known.code, representation.contentType, encodeProtobuf(status), headers)
  reply.send(
    known.code,
    'application/json',
    representation.pretty ? `${JSON.stringify(status, undefined, 2)}\n` : JSON.stringify(status),
    headers,
  )
}

function unexpected(error: unknown, log: Logger, about: Record<string, unknown>): StatusError {
  log.error('a request failed unexpectedly', { ...about, error })
  return new StatusError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
    details: { causes: [{ message: error instanceof Error ? error.message : String(error) }] },
  })
}
