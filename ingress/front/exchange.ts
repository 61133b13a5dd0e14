import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { comparedPath } from '../routing/request-path.ts'

export type FrontRequest = IncomingMessage | Http2ServerRequest
export type FrontResponse = ServerResponse | Http2ServerResponse

/** What a request asks for, read so that nobody after us can read it differently. */
export interface Question {
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
  /** The path that rules are compared with. */
  readonly path: string
  /** Host as it came, with its port; empty where an HTTP/1.0 client said none. */
  readonly authority: string
  /** Host without port, in lower case. */
  readonly host: string
  readonly hasBody: boolean
}

/** Why a request is not taken: an answer of its own, and the end of the connection. */
export interface Refusal {
  readonly status: number
  readonly why: string
}

const AUTHORITY = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{0,5})?$/
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i

/**
 * Reads the head of a request (RFC 9112 §3, §6; RFC 9113 §8.3). Node's parser has refused what is malformed; refused here is what is well formed
 * and means different things to different readers.
 */
export function readQuestion(request: FrontRequest, maxHeaderBytes: number): Question | Refusal {
  const { method = '', url = '' } = request
  // The parser of HTTP/1.1 counts by itself; HTTP/2 only tells the client what we wish for.
  if ('stream' in request && sizeOf(request.rawHeaders) > maxHeaderBytes)
    return { status: 431, why: `the headers have more than ${maxHeaderBytes} bytes` }
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405, why: `${method} is not for this server` }
  const absolute = url.startsWith('/') ? undefined : ABSOLUTE.exec(url)
  if (!url.startsWith('/') && !absolute) return { status: 400, why: 'the request’s target is neither a path nor a URL' }
  const framing = framingProblem(request)
  if (framing) return framing
  const host = 'authority' in request ? request.authority || request.headers.host : request.headers.host
  const authority = absolute?.[1] ?? host ?? ''
  if (authority === '' && request.httpVersion !== '1.0') return { status: 400, why: 'the request has no Host' }
  const match = AUTHORITY.exec(authority)
  if (!match && authority !== '') return { status: 400, why: 'the request’s Host is not a name or an address' }
  const rest = absolute?.[2] ?? url
  const target = rest.startsWith('/') ? rest : `/${rest}`
  return {
    ...{ method, target, authority, path: comparedPath(target), hasBody: hasBody(request) },
    host: (match?.[1] ?? '').toLowerCase().replace(/\.$/, ''),
  }
}

/** What ends a message, and whose it is, must be said once. */
function framingProblem(request: FrontRequest): Refusal | undefined {
  const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1) return { status: 400, why: 'the request has more than one Host' }
  const coding = request.headers['transfer-encoding']
  if (coding === undefined) return undefined
  if (request.httpVersionMajor !== 1 || request.httpVersion === '1.0') return { status: 400, why: 'Transfer-Encoding is of HTTP/1.1' }
  if (coding.trim().toLowerCase() !== 'chunked') return { status: 501, why: 'the only transfer coding is chunked' }
  return request.headers['content-length'] === undefined
    ? undefined
    : { status: 400, why: 'Content-Length and Transfer-Encoding exclude each other' }
}

function sizeOf(raw: readonly string[]): number {
  return raw.reduce((sum, text) => sum + text.length, 0)
}

function hasBody(request: FrontRequest): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}
