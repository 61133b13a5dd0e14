import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { headTooLong } from './input-size.ts'

/**
 * Says as a Status why a request could not even be read, and closes the connection. Nothing is said in the middle of another answer:
 * the peer would take it for a part of that.
 * @param patience milliseconds that a peer which does not take what is said may stand still
 */
export function answerUnreadable(
  error: Error & { code?: string },
  socket: Socket,
  answering: ServerResponse | undefined,
  patience: number,
): void {
  // What a stranger goes on sending is unreadable, too, and must not cost them the answer that is on its way.
  if (socket.writableEnded && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') return
  const isFree = answering === undefined || answering.writableFinished || !answering.headersSent
  if (isFree && socket.writable && error.code !== 'ECONNRESET') {
    const status = statusOf(error).toStatus()
    const body = JSON.stringify(status)
    const head = [
      `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code] ?? ''}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-cache, private',
      'connection: close',
    ]
    // Destroyed at once, a connection over TLS now and then lost what was just written.
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
    // The end of a connection waits for what was written before, and after a head that was whole no timeout of the server counts any more.
    socket.setTimeout(patience, () => socket.destroy())
  } else {
    socket.destroy()
  }
}

function statusOf(error: Error & { code?: string }): StatusError {
  if (error.code === 'HPE_HEADER_OVERFLOW') return headTooLong()
  if (error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new StatusError('RequestEntityTooLarge', 'the extensions of a chunk are too long')
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new StatusError('Unknown', 'the head of the request did not come in time', { code: 408, details: {} })
  }
  return new StatusError('BadRequest', `the request is not HTTP/1.1: ${error.message.slice(0, inputLimits.logCharacters)}`, {
    cause: error,
  })
}
