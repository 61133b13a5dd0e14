/** SPDY/3.1 frames as Kubernetes clients use them. Settings, window updates and whatever else may come are `other`. */
export type Frame =
  | { type: 'synStream'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'synReply'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'headers'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'data'; streamId: number; fin: boolean; data: Buffer }
  | { type: 'reset'; streamId: number; status: number }
  | { type: 'ping'; id: number }
  | { type: 'goAway' }
  | { type: 'other' }

const VERSION = 3
const HEAD_BYTES = 8
const FIN = 0x01
const ID_BITS = 0x7fffffff
/** A frame longer than this is an attack or a bug. */
const MOST_BYTES = 4 * 1024 * 1024
const kind = { synStream: 1, synReply: 2, reset: 3, ping: 6, goAway: 7, headers: 8 } as const

/** Takes frames out of a byte stream. @throws Error when the bytes are no SPDY/3.1 */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0)

  /** Every frame that is complete with these bytes. */
  push(chunk: Buffer): Iterable<Frame> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    return this.#complete()
  }

  *#complete(): Iterable<Frame> {
    while (this.#pending.length >= HEAD_BYTES) {
      const length = this.#pending.readUIntBE(5, 3)
      if (length > MOST_BYTES) throw new Error(`a frame of ${length} bytes is too large`)
      if (this.#pending.length < HEAD_BYTES + length) return
      const frame = this.#pending.subarray(0, HEAD_BYTES + length)
      this.#pending = this.#pending.subarray(HEAD_BYTES + length)
      yield decode(frame)
    }
  }
}

function decode(frame: Buffer): Frame {
  const fin = (frame.readUInt8(4) & FIN) !== 0
  const body = frame.subarray(HEAD_BYTES)
  if ((frame.readUInt8(0) & 0x80) === 0) return { type: 'data', streamId: frame.readUInt32BE(0) & ID_BITS, fin, data: body }
  const version = frame.readUInt16BE(0) & 0x7fff
  if (version !== VERSION) throw new Error(`SPDY version ${version} is not spoken here`)
  const type = frame.readUInt16BE(2)
  const needed: Readonly<Record<number, number>> = { 1: 10, 2: 4, 3: 8, 6: 4, 8: 4 }
  if (body.length < (needed[type] ?? 0)) throw new Error('a frame ends early')
  switch (type) {
    case kind.synStream:
      return { type: 'synStream', streamId: body.readUInt32BE(0) & ID_BITS, fin, block: body.subarray(10) }
    case kind.synReply:
      return { type: 'synReply', streamId: body.readUInt32BE(0) & ID_BITS, fin, block: body.subarray(4) }
    case kind.headers:
      return { type: 'headers', streamId: body.readUInt32BE(0) & ID_BITS, fin, block: body.subarray(4) }
    case kind.reset:
      return { type: 'reset', streamId: body.readUInt32BE(0) & ID_BITS, status: body.readUInt32BE(4) }
    case kind.ping:
      return { type: 'ping', id: body.readUInt32BE(0) }
    case kind.goAway:
      return { type: 'goAway' }
    default:
      return { type: 'other' }
  }
}

function control(type: number, fin: boolean, body: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt16BE(0x8000 | VERSION, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt8(fin ? FIN : 0, 4)
  head.writeUIntBE(body.length, 5, 3)
  return Buffer.concat([head, body])
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4)
  return bytes
}

/** Opens a stream; for clients. */
export function synStreamFrame(streamId: number, fin: boolean, block: Buffer): Buffer {
  return control(kind.synStream, fin, Buffer.concat([words(streamId, 0), Buffer.alloc(2), block]))
}

export function synReplyFrame(streamId: number, fin: boolean, block: Buffer): Buffer {
  return control(kind.synReply, fin, Buffer.concat([words(streamId), block]))
}

/** The head of a data frame; the bytes follow it. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt8(fin ? FIN : 0, 4)
  head.writeUIntBE(length, 5, 3)
  return head
}

export function resetFrame(streamId: number, status: number): Buffer {
  return control(kind.reset, false, words(streamId, status))
}

export function pingFrame(id: number): Buffer {
  return control(kind.ping, false, words(id))
}

export function goAwayFrame(lastStreamId: number): Buffer {
  return control(kind.goAway, false, words(lastStreamId, 0))
}
