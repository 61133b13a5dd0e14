import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
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
  #started = false
  #stamp: Readonly<Record<string, string>> | undefined

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.#raw = { request, socket, head }
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
    return this.#raw
  }

  belongTo(_owner: string, headers: Readonly<Record<string, string>>): void {
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
    const all: ReplyHeaders = { ...headers, ...this.#stamp, connection: 'close' }
    if (contentType !== undefined) all['content-type'] = contentType
    if (length !== undefined) all['content-length'] = String(length)
    const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`))
    this.#raw.socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${lines.join('')}\r\n`)
  }

  write(chunk: Buffer): boolean {
    return this.#raw.socket.write(chunk)
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
}
