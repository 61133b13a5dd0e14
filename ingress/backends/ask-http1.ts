import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../shared/time/clock.ts'
import { messageHeaders } from '../front/headers.ts'
import { type Answer, type Asking, NoAnswer, type Patience, type Request } from './ask.ts'
import type { Endpoint } from './endpoint.ts'

/** The other end of a connection that a Pod has switched to another protocol. */
export interface Switched {
  readonly headers: Answer['headers']
  readonly socket: Duplex
  /** What came already. */
  readonly head: Buffer
}

export interface Http1Asking extends Asking {
  /** Resolves where the Pod agrees to the protocol that was asked for; `answer` does where it does not. */
  readonly switched: Promise<Switched>
}

export interface Http1Wish {
  /** On a connection of its own. */
  readonly isFresh?: boolean | undefined
  /** The protocol to switch to; then the connection is its own, too. */
  readonly upgrade?: string | undefined
}

/** Asks a Pod over HTTP/1.1. */
export function askOverHttp1(
  endpoint: Endpoint,
  request: Request,
  { patience, clock }: { patience: Patience; clock: Clock },
  { isFresh = false, upgrade }: Http1Wish = {},
): Http1Asking {
  const answer = Promise.withResolvers<Answer>()
  const switched = Promise.withResolvers<Switched>()
  // Only one of the two comes about, and whoever asks may wait for the other.
  switched.promise.catch(() => undefined)
  const { method, target: path, body } = request
  const framing = body && request.headers['content-length'] === undefined ? { 'transfer-encoding': 'chunked' } : {}
  const switching = upgrade === undefined ? {} : { connection: 'Upgrade', upgrade }
  const outgoing = httpRequest({
    ...{ method, path, headers: { ...request.headers, ...framing, ...switching }, setHost: false, host: endpoint.name },
    ...(isFresh || upgrade !== undefined
      ? { createConnection: () => endpoint.dial() }
      : { agent: endpoint.agentFor(request.isRepeatable) }),
  })
  let isSent = false
  let isTimeout = false
  let readBefore = 0
  const fail = (cause: Error) => {
    const isBegun = (outgoing.socket?.bytesRead ?? 0) > readBefore
    const error = new NoAnswer(`${endpoint.name}: ${cause.message}`, { isSent, isBegun, isTimeout, isReused: outgoing.reusedSocket }, cause)
    answer.reject(error)
    switched.reject(error)
  }
  const giveUp = (why: string) => {
    isTimeout = true
    outgoing.destroy(new Error(why))
  }
  outgoing.once('error', fail)
  outgoing.once('close', () => fail(new Error('the connection was closed without an answer')))
  outgoing.once('socket', (socket) => {
    readBefore = socket.bytesRead
    const send = () => {
      isSent = true
      if (body) sendBody(body, outgoing, request.onBody)
    }
    if (!socket.connecting) return send()
    const timer = clock.after(patience.connect, () => giveUp('no connection in time'))
    socket.once('connect', send)
    for (const event of ['connect', 'close']) socket.once(event, () => timer.cancel())
  })
  outgoing.setTimeout(patience.answer, () => giveUp('no answer in time'))
  outgoing.once('response', (incoming) => {
    incoming.socket.setTimeout(patience.idle)
    answer.resolve(answerOf(incoming))
  })
  // Without a listener Node ends a connection that switches unasked.
  if (upgrade !== undefined)
    outgoing.once('upgrade', (incoming, socket, head) => {
      socket.setTimeout(0)
      switched.resolve({ headers: { ...messageHeaders(incoming.rawHeaders), upgrade: incoming.headers.upgrade ?? '' }, socket, head })
    })
  if (!body) outgoing.end()
  return { answer: answer.promise, switched: switched.promise, abort: () => void outgoing.destroy() }
}

/** A Pod may answer before it has the whole body, or hang up: what it does not take is dropped, and the answer still goes back. */
function sendBody(body: NonNullable<Request['body']>, outgoing: ClientRequest, onBody: Request['onBody']): void {
  body.on('data', (chunk: Buffer) => onBody(chunk.length))
  body.once('end', () => outgoing.end())
  // Half a body is no body: the Pod must not take it for the whole.
  body.once('error', () => outgoing.destroy())
  body.once('aborted', () => outgoing.destroy())
  body.pipe(outgoing, { end: false })
  outgoing.once('close', () => {
    body.unpipe(outgoing)
    body.resume()
  })
}

function answerOf(incoming: IncomingMessage): Answer {
  const { statusCode: status = 502, statusMessage, rawHeaders } = incoming
  return {
    ...{ status, statusMessage, headers: messageHeaders(rawHeaders), body: incoming, isHeadOnly: false },
    trailers: () => messageHeaders(incoming.rawTrailers),
  }
}
