import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib'
import { spdyDictionary } from './spdy-dictionary.ts'

/** Header names in lower case → values; several values of one name are joined by NUL on the wire. */
export type SpdyHeaders = ReadonlyMap<string, readonly string[]>

/** Nobody needs more; a small block may unpack to a very large one. */
const MOST_BYTES = 256 * 1024

/**
 * One direction's header compression. The whole connection shares one zlib stream, so blocks must go through in the order of their frames;
 * callers await each before they start the next.
 */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary, finishFlush: constants.Z_SYNC_FLUSH })

  /** @throws Error when the block is malformed or too large */
  async read(block: Buffer): Promise<SpdyHeaders> {
    return decodePairs(await through(this.#inflate, (done) => void this.#inflate.write(block, done)))
  }

  close(): void {
    this.#inflate.destroy()
  }
}

export class HeaderWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: spdyDictionary })

  async write(headers: SpdyHeaders): Promise<Buffer> {
    return through(this.#deflate, (done) => {
      this.#deflate.write(encodePairs(headers))
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => done())
    })
  }

  close(): void {
    this.#deflate.destroy()
  }
}

function through(coder: Inflate | Deflate, start: (done: (error?: Error | null) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let size = 0
    const onData = (part: Buffer) => {
      size += part.length
      if (size > MOST_BYTES) finish(new Error('a header block is too large'))
      else parts.push(part)
    }
    const finish = (error?: Error | null) => {
      coder.off('data', onData)
      coder.off('error', finish)
      if (error) reject(error)
      else resolve(Buffer.concat(parts))
    }
    coder.on('data', onData)
    coder.on('error', finish)
    start(finish)
  })
}

function decodePairs(bytes: Buffer): SpdyHeaders {
  const headers = new Map<string, string[]>()
  let at = 0
  const number = () => {
    if (at + 4 > bytes.length) throw new Error('a header block ends early')
    at += 4
    return bytes.readUInt32BE(at - 4)
  }
  const text = () => {
    const length = number()
    if (at + length > bytes.length) throw new Error('a header block ends early')
    at += length
    return bytes.toString('utf8', at - length, at)
  }
  for (let count = number(); count > 0; count--) headers.set(text().toLowerCase(), text().split('\0'))
  return headers
}

function encodePairs(headers: SpdyHeaders): Buffer {
  const parts: Buffer[] = [uint32(headers.size)]
  for (const [name, values] of headers) {
    for (const text of [name.toLowerCase(), values.join('\0')]) {
      const bytes = Buffer.from(text, 'utf8')
      parts.push(uint32(bytes.length), bytes)
    }
  }
  return Buffer.concat(parts)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
