import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ByteBudget, Holding } from '../../shared/limits/byte-budget.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { Reply, ReplyHeaders } from './exchange.ts'

/** A connection handed over to whoever serves the other protocol. */
export interface RawConnection {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What the peer has sent already. */
  readonly head: Buffer
}

/**
 * The way back of a request that asks for another protocol. The pipeline answers refusals on it as on any other; `takeOver` hands the
 * connection itself to whoever serves the upgrade. The connection never serves another request.
 */
export class UpgradeReply implements Reply {
  readonly #raw: RawConnection
  audit: AuditTrail | undefined
  #started = false
  #owner = ''
  #stamp: Readonly<Record<string, string>> | undefined
  readonly #unsent: ByteBudget
  #held: Holding | undefined
  /** Bytes that whoever serves the upgrade keeps besides. */
  #kept = 0

  /** @param unsent the budget of everything that waits to be sent */
  constructor(request: IncomingMessage, socket: Duplex, head: Buffer, unsent: ByteBudget) {
    this.#raw = { request, socket, head }
    this.#unsent = unsent
    // Breaks are seen as `close`; without a listener they would end the process.
    socket.on('error', () => {})
  }

  get started(): boolean {
    return this.#started
  }

  get closed(): boolean {
    return this.#raw.socket.destroyed
  }

  /** True while the peer has not taken what was written. */
  get isFull(): boolean {
    return this.#raw.socket.writableNeedDrain
  }

  takeOver(): RawConnection {
    this.#started = true
    this.audit?.starts(101)
    return this.#raw
  }

  /** Counts what the peer has not taken, until it has; to be called after each write. `kept` is what is still to be written. */
  count(kept = 0): void {
    this.#kept = kept
    const { socket } = this.#raw
    const bytes = (socket.writableNeedDrain ? socket.writableLength : 0) + kept
    if (this.#held && this.#unsent.isHeld(this.#held)) {
      if (bytes === 0) this.#unsent.release(this.#held)
      else this.#unsent.grow(this.#held, bytes - this.#held.bytes)
    } else if (bytes > 0 && !socket.destroyed) {
      this.#listen()
      this.#held = this.#unsent.hold(this.#owner, bytes, () => this.abort())
    }
  }

  belongTo(owner: string, headers: Readonly<Record<string, string>>): void {
    this.#owner = owner
    this.#stamp = headers
  }

  onClose(listener: () => void): void {
    if (this.closed) listener()
    else this.#raw.socket.once('close', listener)
  }

  send(code: number, contentType: string, body: Buffer | string, headers: ReplyHeaders = {}): void {
    this.begin(code, contentType, Buffer.byteLength(body), headers)
    this.#raw.socket.end(body)
  }

  begin(code: number, contentType: string | undefined, length?: number, headers: ReplyHeaders = {}): void {
    this.#started = true
    this.audit?.starts(code)
    const all: ReplyHeaders = { ...headers, ...this.#stamp, ...this.audit?.headers, connection: 'close' }
    if (contentType !== undefined) all['content-type'] = contentType
    if (length !== undefined) all['content-length'] = String(length)
    const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`))
    this.#raw.socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${lines.join('')}\r\n`)
  }

  write(chunk: Buffer): boolean {
    const isTaken = this.#raw.socket.write(chunk)
    this.count()
    return isTaken
  }

  onDrain(listener: () => void): void {
    this.#raw.socket.once('drain', listener)
  }

  end(): void {
    this.#raw.socket.end()
  }

  abort(): void {
    this.#raw.socket.destroy()
  }

  /** Once: to know when something was taken, and when nobody will. */
  #listen(): void {
    if (this.#held) return
    this.#raw.socket.on('drain', () => this.count(this.#kept))
    this.#raw.socket.once('close', () => this.#held && this.#unsent.release(this.#held))
  }
}
