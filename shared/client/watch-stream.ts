import { StatusError } from '../errors/status-error.ts'
import { ConnectionError } from './connection-error.ts'

/** One frame of a watch, before anyone vouches for its object. */
export interface RawWatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: unknown
}

const NEWLINE = 10

/**
 * Frames (one JSON object a line) out of chunks that end anywhere. A frame of many chunks is joined once, when it is complete.
 * Ends when the chunks do. @throws StatusError for an ERROR event, ConnectionError for what is no watch event
 */
export async function* readWatchEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RawWatchEvent, void, undefined> {
  let begun: Uint8Array[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end)
      start = end + 1
      const whole = begun.length === 0 ? line : Buffer.concat([...begun, line])
      if (begun.length > 0) begun = []
      if (whole.length > 0) yield eventOf(whole)
    }
    if (start < chunk.length) begun.push(start === 0 ? chunk : chunk.subarray(start))
  }
  const rest = Buffer.concat(begun)
  if (rest.toString('utf8').trim() !== '') yield eventOf(rest) // a server may leave out the last newline
}

function eventOf(line: Uint8Array): RawWatchEvent {
  let frame: unknown
  try {
    frame = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'))
  } catch (error) {
    throw new ConnectionError('the watch sent a frame that is no JSON', { cause: error })
  }
  if (typeof frame === 'object' && frame !== null && 'type' in frame && 'object' in frame) {
    const { type, object } = frame
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') return { type, object }
    if (type === 'ERROR') throw StatusError.fromResponse(500, object)
  }
  throw new ConnectionError(`the watch sent a frame that is no event: ${JSON.stringify(frame).slice(0, 200)}`)
}
