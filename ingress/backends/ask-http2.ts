import { constants, type IncomingHttpHeaders } from 'node:http2'
import type { Clock } from '../../shared/time/clock.ts'
import type { Headers } from '../front/headers.ts'
import { type Answer, type Asking, NoAnswer, type Patience, type Request } from './ask.ts'
import type { Endpoint } from './endpoint.ts'

/** Asks a Pod over HTTP/2 without TLS, on the one connection that there is to it. */
export function askOverHttp2(endpoint: Endpoint, request: Request, { patience, clock }: { patience: Patience; clock: Clock }): Asking {
  const answer = Promise.withResolvers<Answer>()
  const { body, method, target } = request
  const { host = '', ...headers } = request.headers
  const session = endpoint.session()
  const stream = session.request(
    { ...headers, ':method': method, ':path': target, ':scheme': 'http', ':authority': String(host) },
    { endStream: body === undefined },
  )
  const isReused = !session.connecting
  let isSent = false
  let isTimeout = false
  let trailers: Headers = {}
  const fail = (cause: Error) => {
    // Refused streams were not looked at (RFC 9113 §8.7).
    const isUntouched = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && !body
    answer.reject(
      new NoAnswer(`${endpoint.name}: ${cause.message}`, { isSent: isSent && !isUntouched, isBegun: false, isTimeout, isReused }, cause),
    )
  }
  const giveUp = (why: string) => {
    isTimeout = true
    fail(new Error(why))
    stream.close(constants.NGHTTP2_CANCEL)
  }
  const begin = () => {
    isSent = true
    if (!body) return
    body.on('data', (chunk: Buffer) => request.onBody(chunk.length))
    body.pipe(stream)
    body.once('error', () => stream.close(constants.NGHTTP2_CANCEL))
    body.once('aborted', () => stream.close(constants.NGHTTP2_CANCEL))
  }
  if (session.connecting) {
    const timer = clock.after(patience.connect, () => {
      giveUp('no connection in time')
      session.destroy()
    })
    session.once('connect', () => {
      timer.cancel()
      if (!stream.destroyed) begin()
    })
    session.once('close', () => timer.cancel())
  } else begin()
  stream.once('error', fail)
  stream.once('close', () => {
    if (body) {
      body.unpipe(stream)
      body.resume()
    }
    fail(new Error('the stream was closed without an answer'))
  })
  stream.setTimeout(patience.answer, () => giveUp('no answer in time'))
  stream.on('trailers', (given) => {
    trailers = plainHeaders(given)
  })
  stream.once('response', (given, flags) => {
    stream.setTimeout(patience.idle, () => stream.close(constants.NGHTTP2_CANCEL))
    const isHeadOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    answer.resolve({
      ...{ status: given[':status'] ?? 502, headers: plainHeaders(given), body: stream, isHeadOnly },
      trailers: () => trailers,
    })
  })
  return { answer: answer.promise, abort: () => stream.close(constants.NGHTTP2_CANCEL) }
}

function plainHeaders(given: IncomingHttpHeaders): Headers {
  const headers: Headers = {}
  for (const [name, value] of Object.entries(given)) if (value !== undefined && !name.startsWith(':')) headers[name] = value
  return headers
}
