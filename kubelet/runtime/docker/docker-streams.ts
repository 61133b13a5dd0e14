import type { Readable } from 'node:stream'
import type { Frame } from '../session-frames.ts'

const HEADER_BYTES = 8

/**
 * Takes the engine's framing apart (1 byte stream, 3 unused, 4 bytes length). Pieces of a long frame are passed on as they arrive, so
 * memory stays bounded whatever a container writes; what arrives together for one stream is passed on together, because the engine
 * frames every line, and a step a line would cost more than all else.
 */
export async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0)
  let remaining = 0
  let stream: Frame['stream'] = 'stdout'
  for await (const chunk of source) {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    let at = 0
    let parts: Buffer[] = []
    let partsOf = stream
    while (at < bytes.length) {
      if (remaining === 0) {
        if (bytes.length - at < HEADER_BYTES) break
        stream = bytes[at] === 2 ? 'stderr' : 'stdout'
        remaining = bytes.readUInt32BE(at + 4)
        at += HEADER_BYTES
        continue
      }
      const data = bytes.subarray(at, at + remaining)
      at += data.length
      remaining -= data.length
      if (stream !== partsOf && parts.length > 0) {
        yield { stream: partsOf, data: together(parts) }
        parts = []
      }
      partsOf = stream
      parts.push(data)
    }
    pending = bytes.subarray(at)
    if (parts.length > 0) yield { stream: partsOf, data: together(parts) }
  }
}

const together = (parts: Buffer[]) => (parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts))

/** What the engine sends of a container: framed, or with a terminal as it is. */
export function framesOf(source: AsyncIterable<Buffer>, tty: boolean): AsyncIterable<Frame> {
  return tty ? unframed(source) : frames(source)
}

async function* unframed(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  for await (const data of source) yield { stream: 'stdout', data }
}

/** Objects of a stream that has one JSON text a line. A broken line ends it with an error. */
export async function* jsonLines(source: Readable, signal: AbortSignal): AsyncGenerator<unknown> {
  const stop = () => source.destroy(signal.reason instanceof Error ? signal.reason : undefined)
  signal.addEventListener('abort', stop, { once: true })
  let rest = ''
  try {
    source.setEncoding('utf8')
    for await (const chunk of source) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
    }
    if (rest.trim() !== '') yield JSON.parse(rest)
  } finally {
    signal.removeEventListener('abort', stop)
    source.destroy()
  }
}
