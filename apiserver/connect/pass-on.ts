import type { Readable } from 'node:stream'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Reply } from '../http/exchange.ts'

/**
 * Copies a body to an answer that has begun, and heeds both sides: a slow reader slows the source down, not our memory. Resolves when all has been
 * written, or the reader has gone.
 * @param trailers asked at the end: what the source said after its body
 * @throws StatusError InternalError when the source broke off
 */
export function passOn(source: Readable, reply: Reply, trailers?: () => NodeJS.Dict<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    source.on('data', (chunk: Buffer) => {
      if (reply.write(chunk)) return
      source.pause()
      reply.onDrain(() => source.resume())
    })
    source.once('end', () => {
      const said = trailers?.()
      if (said && Object.keys(said).length > 0) reply.addTrailers?.(said)
      reply.end()
      resolve()
    })
    const broken = (cause?: Error) => {
      if (reply.closed || source.readableEnded) resolve()
      else reject(new StatusError('InternalError', 'the answer of the other side broke off', { cause }))
    }
    source.once('error', broken)
    source.once('close', () => broken())
    reply.onClose(() => {
      source.destroy()
      resolve()
    })
  })
}
