import type { Readable } from 'node:stream'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { User } from '../authn/user.ts'

/** A request as the pipeline sees it, whatever carried it here (a TLS connection, or a call inside the process). */
export interface ApiRequest {
  /** Upper case. */
  readonly method: string
  /** Path and query as sent, not decoded. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly remoteAddress: string
  /** DER of the verified peer certificate. */
  readonly clientCertificate?: Uint8Array | undefined
  /** Why the certificate that the peer gave was not accepted. */
  readonly certificateProblem?: string | undefined
  /** Bearer tokens, encoded, that a WebSocket handshake offered as sub-protocols. */
  readonly protocolTokens?: readonly string[] | undefined
  /** Set where the way in already says who it is (the loopback port, a call inside the process). */
  readonly user?: User | undefined
  /**
   * The whole body; asked again, the same. `owner` is whose memory it takes.
   * @throws StatusError RequestEntityTooLarge, TooManyRequests, 408 when it comes too slowly
   */
  readBody(limit: number, owner?: string): Promise<Buffer>
  /** The body as it comes, for whoever passes it on; what is not read holds its sender up. */
  openBody(): Readable & { readonly trailers?: NodeJS.Dict<string> }
}

export type ReplyHeaders = Record<string, string | string[]>

/** The way back. One of `send` or `begin` is called once. */
export interface Reply {
  /** What the audit log is told of the request; absent where it is told nothing. Answers carry its headers, and say that they start. */
  audit?: AuditTrail | undefined
  /** True as soon as anything was sent. */
  readonly started: boolean
  /** True when nobody is reading any more. */
  readonly closed: boolean
  /** Calls back once when the peer has gone or the answer is complete. */
  onClose(listener: () => void): void
  /** Says for whom the answer is, and the headers that it carries whatever it is. */
  belongTo(owner: string, headers: Readonly<Record<string, string>>): void
  /** A whole answer. */
  send(code: number, contentType: string, body: Buffer | string, headers?: ReplyHeaders): void
  /** Opens a streamed answer; `length` when it is known, chunks otherwise. Without a content type when somebody else's answer has none. */
  begin(code: number, contentType: string | undefined, length?: number, headers?: ReplyHeaders): void
  /** Answers false when the peer reads more slowly than we write: wait for `onDrain`. */
  write(chunk: Buffer): boolean
  /** Calls back once when there is room again. */
  onDrain(listener: () => void): void
  /** Something that is said before the answer (1xx), where the way back can. */
  inform?(code: number, headers: ReplyHeaders): void
  /** To be said after the body, where the way back can. */
  addTrailers?(trailers: NodeJS.Dict<string>): void
  end(): void
  /** Breaks the connection: the peer must not mistake what it has for a whole answer. */
  abort(): void
}
