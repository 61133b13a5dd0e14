import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { User } from '../authn/user.ts'
import type { ApiRequest, Reply, ReplyHeaders } from './exchange.ts'

/** What a TLS connection proved, worked out once a connection. */
const certificates = new WeakMap<object, PeerCertificate>()

interface PeerCertificate {
  readonly der?: Uint8Array
  readonly problem?: string
}

/** A request that came over a connection. */
export class NodeRequest implements ApiRequest {
  readonly #raw: IncomingMessage
  readonly user: User | undefined
  readonly protocolTokens: readonly string[] | undefined

  constructor(raw: IncomingMessage, user: User | undefined, protocolTokens?: readonly string[]) {
    this.#raw = raw
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

  readBody(limit: number): Promise<Buffer> {
    const raw = this.#raw
    const announced = Number(raw.headers['content-length'] ?? '0')
    if (announced > limit) return Promise.reject(tooLarge(limit))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      raw.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= limit) chunks.push(chunk)
        else {
          raw.removeAllListeners('data')
          raw.resume()
          reject(tooLarge(limit))
        }
      })
      raw.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
      raw.on('error', (cause) => reject(new StatusError('BadRequest', 'the body of the request ended early', { cause })))
    })
  }
}

/** No certificate is no problem; one that does not chain to our authority, or is not for clients, is. */
function peerCertificate(socket: Partial<TLSSocket>): PeerCertificate {
  const der = socket.getPeerCertificate?.()?.raw
  if (!der) return {}
  return socket.authorized ? { der } : { problem: String(socket.authorizationError ?? 'not verified') }
}

function tooLarge(limit: number): StatusError {
  return new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)
}

/** An answer over a connection. */
export class NodeReply implements Reply {
  readonly #response: ServerResponse
  readonly #isHead: boolean
  #isChunked = false

  constructor(response: ServerResponse) {
    this.#response = response
    this.#isHead = response.req?.method === 'HEAD'
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
    this.#dropUnreadBody()
    this.#response.writeHead(code, { ...headers, 'content-type': contentType, 'content-length': length })
    if (this.#isHead) this.#response.end()
    else if (typeof body === 'string' || body.length > ONE_PIECE) this.#response.end(body)
    // As text of one byte a character, head and body leave in one write instead of two.
    else this.#response.end(body.toString('latin1'), 'latin1')
  }

  begin(code: number, contentType: string | undefined, length?: number, headers: ReplyHeaders = {}): void {
    const all: ReplyHeaders = contentType === undefined ? { ...headers } : { ...headers, 'content-type': contentType }
    if (length !== undefined) all['content-length'] = String(length)
    this.#isChunked = length === undefined && this.#response.useChunkedEncodingByDefault && !this.#isHead
    this.#response.writeHead(code, all)
    this.#response.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    if (this.#isHead) return true
    const { socket } = this.#response
    // Only the answer whose turn it is has the socket; one that waits behind another goes through node's own queue.
    if (!this.#isChunked || !socket) return this.#response.write(chunk)
    return socket.write(asChunk(chunk))
  }

  onDrain(listener: () => void): void {
    const source = this.#isChunked && this.#response.socket ? this.#response.socket : this.#response
    source.once('drain', listener)
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

  /** A body that nobody read must not be taken for the next request; a large one is not worth waiting for. */
  #dropUnreadBody(): void {
    const { req } = this.#response
    if (!req || req.complete) return
    if (Number(req.headers['content-length'] ?? '0') > DRAIN_LIMIT || req.headers['transfer-encoding']) {
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
