import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { SpdyConnection, type SpdyStream } from '../spdy/spdy-connection.ts'
import { outcomeStatus, type Session, type SessionWish, terminalSizes } from './session.ts'

/** How long the client may take to open the streams it announced. Milliseconds. */
const PATIENCE = 30_000

/** Newest first; the later ones tell the outcome as a Status, v3 and older only as text. v5 exists on WebSockets only. */
export const spdySessionProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

/** A connection that has changed to SPDY, and the protocol agreed on for sessions. */
export interface SpdyTransport {
  readonly transport: Duplex
  readonly protocol: string
}

/**
 * A session over SPDY streams, as clients older than kubectl 1.31 open it. Resolves when every announced stream is there. The scope owns the
 * connection already.
 * @throws StatusError Timeout when the client does not open them
 */
export async function spdySession(
  { transport, protocol }: SpdyTransport,
  wish: SessionWish,
  scope: StreamScope,
  clock: Clock,
): Promise<Session> {
  const connection = new SpdyConnection(transport)
  scope.onEnd(() => connection.close())
  keepAlive(connection, scope, clock)
  const streams = new Map<string, SpdyStream>()
  const expected = expectedStreams(wish, protocol)
  const complete = Promise.withResolvers<void>()
  const limit = clock.after(PATIENCE, () => complete.reject(new StatusError('Timeout', 'timed out waiting for client to create streams')))
  const accept = (stream: SpdyStream) => {
    const type = stream.header('streamtype') ?? ''
    if (!expected.includes(type) || streams.has(type)) return stream.destroy()
    streams.set(type, scope.own(stream))
    if (expected.every((name) => streams.has(name))) complete.resolve()
  }
  const left = (error: unknown = new Error('the client went away')) => {
    scope.end(error)
    complete.reject(error)
  }
  connection.serve(accept).then(() => left(), left)
  try {
    await complete.promise
  } finally {
    limit.cancel()
  }
  const resize = streams.get('resize')
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    resize: resize && terminalSizes(resize),
    async finish(outcome) {
      const status = outcomeStatus(outcome)
      const text = protocol === 'v4.channel.k8s.io' ? JSON.stringify(status) : 'message' in status ? status.message : ''
      // The client waits for the end of every stream it opened.
      await Promise.allSettled([...streams].map(([type, stream]) => end(stream, type === 'error' ? text : '')))
      connection.close()
    },
  }
}

/** A client that vanished while nothing is read of it (its input waits for the command) is noticed only by writing to it. Milliseconds. */
export const PING_INTERVAL = 10_000

/** Pings as long as the scope lasts. */
export function keepAlive(connection: Pick<SpdyConnection, 'ping'>, scope: StreamScope, clock: Clock): void {
  const timer = clock.every(
    PING_INTERVAL,
    scope.guard(() => connection.ping()),
  )
  scope.onEnd(() => timer.cancel())
}

function expectedStreams({ stdin, stdout, stderr, tty }: SessionWish, protocol: string): string[] {
  const names = ['error']
  if (stdin) names.push('stdin')
  if (stdout) names.push('stdout')
  if (stderr && !tty) names.push('stderr')
  if (tty && (protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io')) names.push('resize')
  return names
}

async function end(stream: SpdyStream, text: string): Promise<void> {
  if (stream.destroyed || stream.writableFinished) return
  if (!stream.writableEnded) stream.end(text)
  await finished(stream, { readable: false })
}
