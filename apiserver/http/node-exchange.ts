import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Writable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { ByteBudget, Holding } from '../../shared/limits/byte-budget.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { User } from '../authn/user.ts'
import type { BodyIntake } from './body-intake.ts'
import type { ApiRequest, Reply, ReplyHeaders } from './exchange.ts'

/** What a TLS connection proved, worked out once a connection. */
const certificates = new WeakMap<object, PeerCertificate>()

interface PeerCertificate {
  readonly der?: Uint8Array
  readonly problem?: string
}

/** What a body comes through. */
interface BodyCarrier {
  readonly intake: BodyIntake
  readonly response: ServerResponse
}

interface RequestParts {
  readonly user: User | undefined
  readonly protocolTokens?: readonly string[] | undefined
  /** Absent for a request that asks for another protocol. */
  readonly carrier?: BodyCarrier | undefined
}

/** A request that came over a connection. */
export class NodeRequest implements ApiRequest {
  readonly #raw: IncomingMessage
  readonly user: User | undefined
  readonly protocolTokens: readonly string[] | undefined

  readonly #carrier: BodyCarrier | undefined
  #body: Promise<Buffer> | undefined

  constructor(raw: IncomingMessage, { user, protocolTokens, carrier }: RequestParts) {
    this.#raw = raw
    this.#carrier = carrier
    this.user = user
    this.protocolTokens = protocolTokens
  }

  get method(): string {
    return this.#raw.method ?? 'GET'
  }

  get url(): string {
    return this.#raw.url ?? '/'
  }

  get headers(): IncomingMessage['headers'] {
    return this.#raw.headers
  }

  get remoteAddress(): string {
    return this.#raw.socket.remoteAddress ?? ''
  }

  get clientCertificate(): Uint8Array | undefined {
    return this.#peer().der
  }

  get certificateProblem(): string | undefined {
    return this.#peer().problem
  }

  #peer(): PeerCertificate {
    const { socket } = this.#raw
    const known = certificates.get(socket)
    if (known) return known
    const peer = peerCertificate(socket as Partial<TLSSocket>)
    certificates.set(socket, peer)
    return peer
  }

  openBody(): IncomingMessage {
    return this.#raw
  }

  readBody(limit: number, owner = ''): Promise<Buffer> {
    if (!this.#carrier) return Promise.reject(new StatusError('BadRequest', 'a request for another protocol has no body'))
    this.#body ??= this.#carrier.intake.read({ raw: this.#raw, response: this.#carrier.response, limit, owner })
    return this.#body
  }
}

/** No certificate is no problem; one that does not chain to our authority, or is not for clients, is. */
function peerCertificate(socket: Partial<TLSSocket>): PeerCertificate {
  const der = socket.getPeerCertificate?.()?.raw
  if (!der) return {}
  return socket.authorized ? { der } : { problem: String(socket.authorizationError ?? 'not verified') }
}

/** An answer over a connection. */
export class NodeReply implements Reply {
  readonly #response: ServerResponse
  readonly #unsent: ByteBudget
  readonly #isHead: boolean
  #isChunked = false
  audit: AuditTrail | undefined
  #owner = ''
  #stamp: Readonly<Record<string, string>> | undefined
  /** What the peer has not taken yet. */
  #held: Holding | undefined

  /** @param unsent the budget of everything that waits to be sent */
  constructor(response: ServerResponse, unsent: ByteBudget) {
    this.#response = response
    this.#unsent = unsent
    this.#isHead = response.req?.method === 'HEAD'
  }

  belongTo(owner: string, headers: Readonly<Record<string, string>>): void {
    this.#owner = owner
    this.#stamp = headers
  }

  get started(): boolean {
    return this.#response.headersSent
  }

  get closed(): boolean {
    return this.#response.closed || this.#response.destroyed
  }

  onClose(listener: () => void): void {
    if (this.closed) listener()
    else this.#response.once('close', listener)
  }

  send(code: number, contentType: string, body: Buffer | string, headers: ReplyHeaders = {}): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    this.#dropUnreadBody(code)
    this.audit?.starts(code)
    this.#response.writeHead(code, {
      ...headers,
      ...this.#stamp,
      ...this.audit?.headers,
      'content-type': contentType,
      'content-length': length,
    })
    if (this.#isHead) this.#response.end()
    else if (typeof body === 'string' || body.length > ONE_PIECE) {
      this.#response.end(body)
      if (length > ONE_PIECE && !this.#response.writableFinished) this.#hold(length)
    }
    // As text of one byte a character, head and body leave in one write instead of two.
    else this.#response.end(body.toString('latin1'), 'latin1')
  }

  begin(code: number, contentType: string | undefined, length?: number, headers: ReplyHeaders = {}): void {
    this.audit?.starts(code)
    const all: ReplyHeaders = { ...headers, ...this.#stamp, ...this.audit?.headers }
    if (contentType !== undefined) all['content-type'] = contentType
    if (length !== undefined) all['content-length'] = String(length)
    this.#isChunked = length === undefined && this.#response.useChunkedEncodingByDefault && !this.#isHead
    this.#response.writeHead(code, all)
    this.#response.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    if (this.#isHead) return true
    const { socket } = this.#response
    // Only the answer whose turn it is has the socket; one that waits behind another goes through node's own queue.
    const isTaken = this.#isChunked && socket ? socket.write(asChunk(chunk)) : this.#response.write(chunk)
    if (!isTaken) this.#hold(chunk.length)
    return isTaken
  }

  onDrain(listener: () => void): void {
    this.#source().once('drain', listener)
  }

  inform(code: number, headers: ReplyHeaders): void {
    const { socket, req, headersSent } = this.#response
    if (!socket || headersSent || req.httpVersion !== '1.1') return
    const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`))
    socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${lines.join('')}\r\n`)
  }

  addTrailers(trailers: NodeJS.Dict<string>): void {
    if (this.#isChunked) this.#response.addTrailers(trailers as NodeJS.ReadOnlyDict<string>)
  }

  end(): void {
    this.#response.end()
  }

  abort(): void {
    this.#response.destroy()
  }

  #source(): Writable {
    return this.#isChunked && this.#response.socket ? this.#response.socket : this.#response
  }

  /** Counts what the peer has not taken, until it has. */
  #hold(bytes: number): void {
    if (this.#held) return this.#unsent.grow(this.#held, bytes)
    const held = this.#unsent.hold(this.#owner, bytes, () => this.abort())
    this.#held = held
    const source = this.#source()
    const release = () => {
      source.off('drain', release)
      this.#response.off('close', release)
      this.#unsent.release(held)
      this.#held = undefined
    }
    source.once('drain', release)
    this.#response.once('close', release)
  }

  /** A body that nobody read must not be taken for the next request; a large or a slow one is not worth waiting for. */
  #dropUnreadBody(code: number): void {
    const { req } = this.#response
    if (!req || req.complete) return
    const isHopeless = code === 408 || code === 429
    if (isHopeless || Number(req.headers['content-length'] ?? '0') > DRAIN_LIMIT || req.headers['transfer-encoding']) {
      this.#response.setHeader('connection', 'close')
    }
    req.resume()
  }
}

/** Up to this size a copy of the body costs less than a second write. */
const ONE_PIECE = 16 * 1024
const DRAIN_LIMIT = 4 * 1024 * 1024

/** Many watchers are sent the same buffer: it gets its chunk header once, and travels as one write instead of three. */
const chunks = new WeakMap<Buffer, Buffer>()
const CRLF = Buffer.from('\r\n')

function asChunk(bytes: Buffer): Buffer {
  const known = chunks.get(bytes)
  if (known) return known
  const made = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF])
  chunks.set(bytes, made)
  return made
}
