import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import { UpgradeReply } from '../http/upgrade.ts'
import type { Call } from '../verbs/call.ts'
import type { DialRule } from './dialable-address.ts'
import { type ProxiedPlace, rewrittenAddress } from './link-rewriter.ts'
import { passOn } from './pass-on.ts'
import { hasLinks, withRewrittenLinks } from './proxied-body.ts'
import { answerHeaders, forwardedFor, type HeaderValues, requestHeaders } from './proxy-headers.ts'
import { tunnel } from './tunnel.ts'

/** Where a proxied request goes. */
export interface ProxyTarget {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** TLS of a particular peer; without it certificates are not verified, as upstream's proxy does not. */
  readonly tls?: PeerTls | undefined
}

/** PEM. */
interface PeerTls {
  /** The only authorities that count. Absent: those that the machine's programs trust. */
  readonly ca?: string | undefined
  readonly cert: string
  readonly key: string
  readonly servername: string
  /** Somebody asked for it in so many words. Default: verified. */
  readonly isUnverified?: boolean
}

/** A request as the other side is to have it. */
export interface PassedRequest {
  /** With the query. */
  readonly path: string
  readonly headers: HeaderValues
  /** What was read already; undefined: as it comes. */
  readonly body?: Readable | undefined
  /** Where the pages of the other side live; undefined for an API: addresses in its answers stay as they are, and redirects are refused. */
  readonly place: ProxiedPlace | undefined
}

/** What a proxied call is made with. */
export interface ProxyMeans {
  readonly rule: DialRule
  /** Owns all that is opened for it. */
  readonly scope: StreamScope
}

/** How long a server may take to accept a connection. Milliseconds; upstream's dialler has the same. */
const CONNECT_TIMEOUT = 30_000

/**
 * Passes the call on to somebody's HTTP server, with what follows `/proxy` as the path, whatever its method. Bodies pass in both directions as they
 * come, each at the pace of its reader. WebSockets go through as well. Redirects are the client's to follow; their addresses, and those in HTML
 * pages, lead through the proxy again.
 * @throws StatusError BadRequest for an address that is not dialled, ServiceUnavailable when nobody answers
 */
export async function proxyTo(target: ProxyTarget, call: Call, { rule, scope }: ProxyMeans): Promise<void> {
  const { reply, request } = call
  const { path, query, rawPath, prefix } = pathsOf(call)
  rule.require(target.host)
  if (path === undefined) return reply.send(301, 'text/plain', '', { location: `${rawPath}/${query}` })
  const host = `${hostText(target.host)}:${target.port}`
  const headers = {
    ...requestHeaders(request.headers),
    ...forwardedFor(request.headers, { from: request.remoteAddress, path: rawPath }),
    host,
  }
  const place = { prefix, hosts: [host, target.host, String(request.headers['host'] ?? '')].map((name) => name.toLowerCase()) }
  return passRequestOn(target, { path: path + query, headers, place }, call, { rule, scope })
}

/**
 * The same for a request whose path and headers somebody else has made. @throws StatusError BadRequest for an address that is not dialled,
 * ServiceUnavailable when nobody answers, 502 for a redirect that is refused
 */
export async function passRequestOn(target: ProxyTarget, sent: PassedRequest, call: Exchange, { rule, scope }: ProxyMeans): Promise<void> {
  const { request, reply } = call
  rule.require(target.host)
  const { lookup } = rule
  const { path, headers, place } = sent
  const { method } = request
  if (reply instanceof UpgradeReply) {
    return tunnel(reply, { socket: await dial(target, lookup, scope), method, path, headers }, scope)
  }
  const body = sent.body ?? request.openBody()
  const question = { method, path, headers: sent.body ? headers : { ...headers, ...framing(request.headers) } }
  const inform = (code: number, said: Call['request']['headers']) => reply.inform?.(code, answerHeaders(said))
  const answer = await ask(target, question, { body, lookup, scope, inform })
  await giveBack(answer, call, { place, body, isWhole: sent.body !== undefined, scope })
}

type Exchange = Pick<Call, 'request' | 'reply'>

interface ProxiedPaths {
  /** Undefined: the reader is to add a slash first, so that relative links of the page stay below the proxy's path. */
  path: string | undefined
  query: string
  rawPath: string
  prefix: string
}

function pathsOf({ info, request }: Call): ProxiedPaths {
  const mark = request.url.indexOf('?')
  const query = mark < 0 ? '' : request.url.slice(mark)
  const rawPath = mark < 0 ? request.url : request.url.slice(0, mark)
  const isBare = info.rest === '' && !rawPath.endsWith('/')
  if (isBare) {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    return { path: isRead ? undefined : '/', query, rawPath, prefix: rawPath }
  }
  const path = `/${info.rest}${rawPath.endsWith('/') && info.rest !== '' ? '/' : ''}`
  return { path, query, rawPath, prefix: rawPath.slice(0, rawPath.length - path.length) }
}

/** How the body's end is told: as the client told us. */
function framing(headers: Call['request']['headers']): HeaderValues {
  if (headers['transfer-encoding'] !== undefined) return { 'transfer-encoding': 'chunked' }
  return {}
}

interface Question {
  readonly method: string
  readonly path: string
  readonly headers: HeaderValues
}

interface Asking {
  readonly body: Readable
  readonly lookup: DialRule['lookup']
  readonly scope: StreamScope
  /** Told of answers that are only on the way (1xx). */
  readonly inform: (code: number, headers: Call['request']['headers']) => void
}

/** Resolves with the head of the answer; the body of the question goes on meanwhile. */
function ask(target: ProxyTarget, { method, path, headers }: Question, { body, lookup, scope, inform }: Asking): Promise<IncomingMessage> {
  const { host, port } = target
  return new Promise((resolve, reject) => {
    const send = target.scheme === 'https' ? httpsRequest : httpRequest
    const outgoing = scope.own(send({ host, port, path, method, headers, agent: false, lookup, ...tlsOptions(target) }, resolve))
    outgoing.once('error', (cause) => reject(unavailable(`${hostText(host)}:${port}`, cause)))
    outgoing.once('close', () => reject(unavailable(`${hostText(host)}:${port}`, new Error('the connection was closed'))))
    outgoing.on('information', (said) => inform(said.statusCode, said.headers))
    boundConnecting(outgoing)
    sendBody(body, outgoing)
  })
}

/** A server may answer before it has the whole body, or hang up: what it does not take is dropped, and the answer still goes back. */
function sendBody(body: Readable & Pick<Partial<IncomingMessage>, 'trailers'>, outgoing: ClientRequest): void {
  body.once('end', () => {
    if (body.trailers && Object.keys(body.trailers).length > 0) outgoing.addTrailers(body.trailers as Record<string, string>)
    outgoing.end()
  })
  body.pipe(outgoing, { end: false })
  outgoing.once('close', () => {
    body.unpipe(outgoing)
    body.resume()
  })
}

function boundConnecting(outgoing: ClientRequest): void {
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) return
    socket.setTimeout(CONNECT_TIMEOUT, () => outgoing.destroy(new Error('i/o timeout')))
    socket.once('connect', () => socket.setTimeout(0))
  })
}

interface Way {
  readonly place: ProxiedPlace | undefined
  readonly body: Readable
  /** Nothing of the body is still to come from the client. */
  readonly isWhole: boolean
  readonly scope: StreamScope
}

async function giveBack(answer: IncomingMessage, { reply, request }: Exchange, { place, body, isWhole, scope }: Way): Promise<void> {
  scope.own(answer)
  const code = answer.statusCode ?? 502
  const { 'content-type': type, 'content-length': length, ...headers } = answerHeaders(answer.headers)
  const { location } = answer.headers
  if (location !== undefined && place) headers['location'] = rewrittenAddress(location, place)
  else if (location !== undefined && code >= 300 && code < 400) {
    throw new StatusError('Unknown', 'the backend attempted to redirect this request, which is not permitted', { code: 502 })
  }
  if (answer.headers['trailer'] !== undefined) headers['trailer'] = answer.headers['trailer']
  // A connection on which a body still comes that nobody may ever read is not used again.
  if (!isWhole && !body.readableEnded) headers['connection'] = 'close'
  const isRewritten = place && request.method !== 'HEAD' && hasLinks(code, answer.headers)
  const source = isRewritten ? withRewrittenLinks(answer, answer.headers, place, scope) : answer
  const size = isRewritten || length === undefined ? undefined : Number(length)
  reply.begin(code, type === undefined ? undefined : String(type), size, headers)
  await passOn(source, reply, () => answer.trailers)
}

/** What Node is told of a target's TLS. */
export function tlsOptions({ scheme, tls }: ProxyTarget): object {
  if (scheme !== 'https') return {}
  if (!tls) return { rejectUnauthorized: false }
  const { isUnverified = false, ca, ...own } = tls
  return { ...own, ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2', rejectUnauthorized: !isUnverified }
}

function dial(target: ProxyTarget, lookup: DialRule['lookup'], scope: StreamScope): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const { host, port } = target
    const isTls = target.scheme === 'https'
    const socket = scope.own(
      isTls ? connectTls({ host, port, lookup, ...tlsOptions(target) }) : connectTcp({ host, port, lookup, allowHalfOpen: true }),
    )
    socket.setTimeout(CONNECT_TIMEOUT, () => socket.destroy(new Error('i/o timeout')))
    socket.once('error', (cause) => reject(unavailable(`${hostText(host)}:${port}`, cause)))
    socket.once('close', () => reject(scope.signal.reason ?? unavailable(`${hostText(host)}:${port}`, new Error('closed'))))
    socket.once(isTls ? 'secureConnect' : 'connect', () => resolve(socket.setTimeout(0)))
  })
}

const hostText = (host: string) => (host.includes(':') ? `[${host}]` : host)

function unavailable(host: string, cause: Error): StatusError {
  return new StatusError('ServiceUnavailable', `error trying to reach service: dial tcp ${host}: ${cause.message}`, { cause })
}
