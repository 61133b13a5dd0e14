import type { Reply, ReplyHeaders } from '../http/exchange.ts'

/** An answer that is a head, items and a tail. */
export interface ListPieces {
  readonly contentType: string
  readonly head: Buffer
  readonly items: Iterable<Buffer>
  /** Between two items. */
  readonly separator: Buffer
  readonly tail: Buffer
  /** Bytes of all items and what is between them, where that is known beforehand. */
  readonly length: number | undefined
}

/** How much is handed to the connection at once; between two of these, others get their turn. */
const CHUNK_BYTES = 256 * 1024
/** Lists up to this size are sent in one piece with their length. */
const WHOLE_BYTES = 512 * 1024

/** The pieces together; undefined for a list that is not sent in one piece. */
export function wholeOf({ head, items, separator, tail }: ListPieces): Buffer | undefined {
  const parts: Buffer[] = [head]
  let size = head.length + tail.length
  for (const item of items) {
    parts.push(...(parts.length === 1 ? [item] : [separator, item]))
    size += item.length
    if (size > WHOLE_BYTES) return undefined
  }
  return Buffer.concat([...parts, tail])
}

/** Joins the pieces, with back-pressure. */
export async function streamList(reply: Reply, pieces: ListPieces, headers: ReplyHeaders): Promise<void> {
  const { contentType, head, items, separator, tail } = pieces
  const length = pieces.length === undefined ? undefined : head.length + pieces.length + tail.length
  const whole = length !== undefined && length <= WHOLE_BYTES ? wholeOf(pieces) : undefined
  if (whole) return reply.send(200, contentType, whole, headers)
  reply.begin(200, contentType, length, headers)
  const gone = new Promise<void>((resolve) => reply.onClose(resolve))
  let parts: Buffer[] = [head]
  let size = head.length
  let isFirst = true
  for (const item of items) {
    if (!isFirst) parts.push(separator)
    parts.push(item)
    isFirst = false
    size += item.length
    if (size < CHUNK_BYTES) continue
    await written(reply, Buffer.concat(parts), gone)
    if (reply.closed) return
    parts = []
    size = 0
  }
  parts.push(tail)
  reply.write(Buffer.concat(parts))
  reply.end()
}

/** Resolves when the peer is ready for more, or has gone. */
function written(reply: Reply, chunk: Buffer, gone: Promise<void>): Promise<void> {
  if (reply.write(chunk)) return new Promise((resolve) => setImmediate(resolve))
  return Promise.race([gone, new Promise<void>((resolve) => reply.onDrain(resolve))])
}
