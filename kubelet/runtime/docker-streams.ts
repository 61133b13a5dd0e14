import type { Readable } from 'node:stream'

/** One piece of the engine's multiplexed output. */
export interface Frame {
  stream: 'stdout' | 'stderr'
  data: Buffer
}

const HEADER_BYTES = 8

/**
 * Takes the engine's framing apart (1 byte stream, 3 unused, 4 bytes length). Pieces of a long frame are passed on as they arrive, so
 * memory stays bounded whatever a container writes.
 */
export async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0)
  let remaining = 0
  let stream: Frame['stream'] = 'stdout'
  for await (const chunk of source) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length > 0) {
      if (remaining === 0) {
        if (pending.length < HEADER_BYTES) break
        stream = pending[0] === 2 ? 'stderr' : 'stdout'
        remaining = pending.readUInt32BE(4)
        pending = pending.subarray(HEADER_BYTES)
        continue
      }
      const data = pending.subarray(0, remaining)
      pending = pending.subarray(data.length)
      remaining -= data.length
      yield { stream, data }
    }
  }
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
