import { Readable } from 'node:stream'
import { ConnectionError } from '../shared/client/connection-error.ts'
import type { Transport, TransportRequest, TransportResponse } from '../shared/client/transport.ts'
import { StatusError } from '../shared/errors/status-error.ts'
import type { AuditTrail } from './audit/audit-trail.ts'
import type { User } from './authn/user.ts'
import type { ApiServer } from './create-apiserver.ts'
import type { ApiRequest, Reply, ReplyHeaders } from './http/exchange.ts'

/** A watch that is not read is not written to beyond this. */
const BUFFER_BYTES = 1024 * 1024

/** Calls inside a process can go on for ever without the event loop's next turn, which watches, timers and sockets wait for. */
const REQUESTS_A_TURN = 16

/**
 * Carries requests to an API server in the same process, as the given user: the whole pipeline, without sockets. Those that bring
 * credentials of their own are whoever these say. What a simulated cluster's components are connected by.
 */
export function localTransport(server: Pick<ApiServer, 'handle'>, user: User): Transport {
  const open = new Set<LocalReply>()
  let isClosed = false
  let count = 0
  return {
    send(request) {
      request.signal?.throwIfAborted()
      if (isClosed) throw new ConnectionError('the transport is closed')
      return new Promise((resolve, reject) => {
        const reply = new LocalReply((response) => resolve(response), reject)
        open.add(reply)
        reply.onClose(() => open.delete(reply))
        const leave = () => {
          reply.leave()
          reject(request.signal?.reason)
        }
        request.signal?.addEventListener('abort', leave, { once: true })
        reply.onClose(() => request.signal?.removeEventListener('abort', leave))
        const handle = () => void server.handle(localRequest(request, user), reply)
        if (++count % REQUESTS_A_TURN === 0) setImmediate(handle)
        else handle()
      })
    },
    close() {
      isClosed = true
      for (const reply of open) reply.abort()
    },
  }
}

function localRequest({ method, path, headers, body = '' }: TransportRequest, user: User): ApiRequest {
  const lowered = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const bytes = Buffer.from(body)
  return {
    ...{ method, url: path, headers: lowered, remoteAddress: '127.0.0.1' },
    ...('authorization' in lowered ? {} : { user }),
    openBody: () => Readable.from([bytes]),
    async readBody(limit) {
      if (bytes.length > limit) throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)
      return bytes
    },
  }
}

/** An answer that its reader takes from memory, with the same back-pressure as a connection. */
class LocalReply implements Reply {
  audit: AuditTrail | undefined
  started = false
  closed = false
  readonly #answer: (response: TransportResponse) => void
  readonly #fail: (error: Error) => void
  readonly #chunks: Buffer[] = []
  #size = 0
  #isComplete = false
  #failure: Error | undefined
  #stamp: Readonly<Record<string, string>> | undefined
  #wake: (() => void) | undefined
  readonly #drained: (() => void)[] = []
  readonly #closeListeners: (() => void)[] = []

  constructor(answer: (response: TransportResponse) => void, fail: (error: Error) => void) {
    this.#answer = answer
    this.#fail = fail
  }

  belongTo(_owner: string, headers: Readonly<Record<string, string>>): void {
    this.#stamp = headers
  }

  onClose(listener: () => void): void {
    if (this.closed) listener()
    else this.#closeListeners.push(listener)
  }

  send(code: number, contentType: string, body: Buffer | string, headers: ReplyHeaders = {}): void {
    this.begin(code, contentType, undefined, headers)
    this.write(Buffer.from(body))
    this.end()
  }

  begin(code: number, contentType: string | undefined, _length?: number, headers: ReplyHeaders = {}): void {
    this.started = true
    this.audit?.starts(code)
    const all: ReplyHeaders = { ...headers, ...this.#stamp, ...this.audit?.headers }
    if (contentType !== undefined) all['content-type'] = contentType
    const header = (name: string) => {
      const value = all[name.toLowerCase()]
      return Array.isArray(value) ? value.join(', ') : value
    }
    this.#answer({ status: code, header, text: () => this.#text(), chunks: () => this.#read() })
  }

  write(chunk: Buffer): boolean {
    if (this.closed) return true
    this.#chunks.push(chunk)
    this.#size += chunk.length
    this.#wake?.()
    return this.#size < BUFFER_BYTES
  }

  onDrain(listener: () => void): void {
    this.#drained.push(listener)
  }

  end(): void {
    this.#isComplete = true
    this.#wake?.()
    this.#close()
  }

  abort(): void {
    this.#failure = new ConnectionError('the server broke the answer off')
    if (!this.started) this.#fail(this.#failure)
    this.#wake?.()
    this.#close()
  }

  /** The reader has gone. */
  leave(): void {
    this.#isComplete = true
    this.#chunks.length = 0
    this.#wake?.()
    this.#close()
  }

  async #text(): Promise<string> {
    const parts: Uint8Array[] = []
    for await (const chunk of this.#read()) parts.push(chunk)
    return Buffer.concat(parts).toString()
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift()
        if (chunk) {
          this.#size -= chunk.length
          if (this.#size < BUFFER_BYTES / 2) for (const listener of this.#drained.splice(0)) listener()
          yield chunk
        } else if (this.#failure) throw this.#failure
        else if (this.#isComplete) return
        else {
          await new Promise<void>((resolve) => (this.#wake = resolve))
          this.#wake = undefined
        }
      }
    } finally {
      this.leave()
    }
  }

  #close(): void {
    if (this.closed) return
    this.closed = true
    for (const listener of this.#closeListeners.splice(0)) listener()
  }
}
