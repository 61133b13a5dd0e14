import { Duplex } from 'node:stream'
import { dataHead, type Frame, FrameReader, goAwayFrame, pingFrame, resetFrame, synReplyFrame, synStreamFrame } from './spdy-frames.ts'
import { HeaderReader, HeaderWriter, type SpdyHeaders } from './spdy-headers.ts'

const INVALID_STREAM = 2
const CANCEL = 5
/** Streams and pings of a client have odd numbers, those of a server even ones. */
const PING_ID = { client: 1, server: 2 } as const

/** Which side of the connection this is. */
export type SpdyRole = 'server' | 'client'

/** Data frames are cut to this size, so that streams share a connection fairly. */
const MOST_DATA = 64 * 1024
/** A connection with more streams than this is not a client of ours. */
const MOST_STREAMS = 1_000

/** One stream: readable until the peer closes its half, writable until we close ours. */
export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: SpdyHeaders
  readonly #connection: SpdyConnection
  #wake: (() => void) | undefined
  #reset = false
  #inputEnded = false

  constructor(id: number, headers: SpdyHeaders, connection: SpdyConnection) {
    super({ allowHalfOpen: true, autoDestroy: true })
    this.id = id
    this.headers = headers
    this.#connection = connection
    // Whoever uses the stream may have finished with it before it broke.
    this.on('error', () => {})
  }

  header(name: string): string | undefined {
    return this.headers.get(name)?.[0]
  }

  override _read(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, chunk, false).then(() => done(), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, Buffer.alloc(0), true).then(() => done(), done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wake?.()
    const isOver = this.readableEnded && this.writableFinished
    this.#connection.forget(this.id, !isOver && !this.#reset)
    done(error)
  }

  /** Bytes from the peer; resolves when there is room for more. */
  async receive(data: Buffer): Promise<void> {
    if (this.destroyed || this.#inputEnded || this.push(data)) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  /** The peer closed its half. */
  finish(): void {
    if (this.destroyed || this.#inputEnded) return
    this.#inputEnded = true
    this.push(null)
  }

  /** The peer, or the connection, broke the stream off. @param readOn what came before may still be read */
  breakOff(readOn: boolean): void {
    this.#reset = true
    if (readOn) this.finish()
    else this.destroy(new Error('the stream was reset'))
  }
}

/**
 * One side of a SPDY/3.1 connection, over any byte stream. Servers there say the end of a session by ending the connection: for a client
 * what came before is whole. Flow control windows are neither sent nor heeded: the clients
 * that speak this protocol do not implement them, so a limit of ours would stop them for good. The byte stream's own back-pressure bounds what
 * is held: reading stops while the stream that has data does not take it.
 */
export class SpdyConnection {
  readonly #transport: Duplex
  readonly #role: SpdyRole
  readonly #streams = new Map<number, SpdyStream>()
  readonly #reader = new HeaderReader()
  readonly #writer = new HeaderWriter()
  #replies: Promise<unknown> = Promise.resolve()
  #lastId = 0

  constructor(transport: Duplex, role: SpdyRole = 'server') {
    this.#transport = transport
    this.#role = role
    transport.on('error', () => {})
  }

  /**
   * Hands every new stream to `accept`, which may be called before the former one ended. Resolves when the connection has ended.
   * @throws Error when the client does not speak the protocol
   */
  async serve(accept: (stream: SpdyStream) => void): Promise<void> {
    const frames = new FrameReader()
    let failure: unknown
    try {
      for await (const chunk of this.#transport) {
        try {
          for (const frame of frames.push(chunk as Buffer)) if (!(await this.#handle(frame, accept))) return
        } catch (error) {
          // A client that goes away in the middle of an answer is an ordinary end; leaving the loop destroys the transport.
          if (!this.#transport.destroyed) failure = error
          break
        }
      }
    } catch {
      // So is one that goes away without a farewell.
    } finally {
      this.close()
    }
    if (failure !== undefined) throw failure
  }

  /** Ends the connection and every stream on it. */
  close(): void {
    if (!this.#transport.destroyed && this.#transport.writable) this.#transport.end(goAwayFrame(this.#lastId))
    for (const stream of [...this.#streams.values()]) stream.breakOff(this.#role === 'client')
    this.#reader.close()
    this.#writer.close()
  }

  get size(): number {
    return this.#streams.size
  }

  /** Asks for a sign of life; a peer that has gone breaks the connection. */
  ping(): void {
    // The answer is not looked at, and a failure shows as the end of the connection.
    void this.#send(pingFrame(PING_ID[this.#role])).catch(() => {})
  }

  /** False: the client said farewell. */
  async #handle(frame: Frame, accept: (stream: SpdyStream) => void): Promise<boolean> {
    switch (frame.type) {
      case 'synStream':
        await this.#open(frame.streamId, frame.fin, await this.#reader.read(frame.block), accept)
        return true
      case 'headers':
      case 'synReply':
        // Read even if nobody wants it: the compression of all later blocks builds on it.
        await this.#reader.read(frame.block)
        if (frame.fin) this.#streams.get(frame.streamId)?.finish()
        return true
      case 'data': {
        const stream = this.#streams.get(frame.streamId)
        if (frame.data.length > 0) await stream?.receive(frame.data)
        if (frame.fin) stream?.finish()
        return true
      }
      case 'reset':
        this.#streams.get(frame.streamId)?.breakOff(this.#role === 'client')
        return true
      case 'ping':
        // What the peer asked comes back as it is; the rest are answers.
        if (frame.id % 2 !== PING_ID[this.#role] % 2) await this.#send(pingFrame(frame.id))
        return true
      case 'goAway':
        return this.#streams.size > 0
      default:
        return true
    }
  }

  /** Opens a stream; for clients. Rejects when the connection has ended. */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    const id = this.#lastId + (this.#lastId === 0 ? 1 : 2)
    this.#lastId = id
    const stream = new SpdyStream(id, headers, this)
    this.#streams.set(id, stream)
    const opened = this.#replies.then(async () => this.#send(synStreamFrame(id, false, await this.#writer.write(headers))))
    this.#replies = opened
    await opened
    return stream
  }

  async #open(id: number, fin: boolean, headers: SpdyHeaders, accept: (stream: SpdyStream) => void): Promise<void> {
    if (id <= this.#lastId || id % 2 === 0 || this.#streams.size >= MOST_STREAMS) return this.#send(resetFrame(id, INVALID_STREAM))
    this.#lastId = id
    const stream = new SpdyStream(id, headers, this)
    this.#streams.set(id, stream)
    if (fin) stream.finish()
    // Replies share one compression, so they are made one after another.
    const reply = this.#replies.then(async () => this.#send(synReplyFrame(id, false, await this.#writer.write(new Map()))))
    this.#replies = reply
    await reply
    accept(stream)
  }

  async sendData(id: number, data: Buffer, fin: boolean): Promise<void> {
    for (let at = 0; at < data.length || at === 0; at += MOST_DATA) {
      const part = data.subarray(at, at + MOST_DATA)
      const isLast = at + MOST_DATA >= data.length
      await this.#send(Buffer.concat([dataHead(id, part.length, fin && isLast), part]))
    }
  }

  forget(id: number, broken: boolean): void {
    if (!this.#streams.delete(id)) return
    if (broken && this.#transport.writable) void this.#send(resetFrame(id, CANCEL)).catch(() => {})
  }

  #send(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#transport.writable) return reject(new Error('the connection has ended'))
      this.#transport.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }
}
