import { constants } from 'node:http2'
import type { Answer } from '../backends/ask.ts'
import { beginAnswer } from './answer.ts'
import type { FrontResponse } from './exchange.ts'

/** How an answer went out. */
export interface Relayed {
  readonly bytes: number
  /** False: the Pod or the client went away in the middle. */
  readonly isWhole: boolean
}

/**
 * Gives a Pod's answer to the client as it comes: no more is held than both sides' stream buffers. What breaks off on one side is broken off
 * on the other, so that nobody takes a part for the whole.
 */
export function relay(answer: Answer, response: FrontResponse, isLast: boolean): Promise<Relayed> {
  const { body } = answer
  const closing = isLast && !('stream' in response) ? { connection: 'close' } : {}
  beginAnswer(response, answer.status, { ...answer.headers, ...closing }, answer.statusMessage)
  return new Promise((resolve) => {
    let bytes = 0
    let isEnded = false
    let isFinished = false
    response.once('finish', () => {
      isFinished = true
    })
    response.once('close', () => {
      if (!isEnded) body.destroy()
      resolve({ bytes, isWhole: isEnded && isFinished })
    })
    const breakOff = () => {
      if (isEnded) return
      if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      else response.destroy()
    }
    const finish = () => {
      isEnded = true
      const trailers = answer.trailers()
      if (Object.keys(trailers).length > 0) response.addTrailers(trailers)
      response.end()
    }
    body.once('error', breakOff)
    body.once('close', breakOff)
    if (answer.isHeadOnly) {
      body.resume()
      return finish()
    }
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    body.once('end', finish)
    // The promise that a part can be read as soon as it is there: also of the head, when no body follows at once.
    setImmediate(() => {
      if (isEnded || bytes > 0 || response.destroyed) return
      if (!('stream' in response)) response.flushHeaders()
      else if (!response.headersSent) response.writeHead(response.statusCode)
    })
    body.pipe(response, { end: false })
  })
}
