import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { outcomeStatus, type Session, type SessionWish, terminalSizes } from './session.ts'
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts'

/** How long the client may take to open the streams it announced. Milliseconds. */
const PATIENCE = 30_000

/** Newest first; the later ones tell the outcome as a Status, v3 and older only as text. v5 exists on WebSockets only. */
export const spdySessionProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

/**
 * A session over SPDY streams, as clients older than kubectl 1.31 open it. Resolves when every announced stream is there.
 * @throws StatusError Timeout when the client does not open them
 */
export async function spdySession(transport: Duplex, protocol: string, wish: SessionWish, clock: Clock): Promise<Session> {
  const connection = new SpdyConnection(transport)
  const gone = new AbortController()
  const streams = new Map<string, SpdyStream>()
  const expected = expectedStreams(wish, protocol)
  const complete = Promise.withResolvers<void>()
  const limit = clock.after(PATIENCE, () => complete.reject(new StatusError('Timeout', 'timed out waiting for client to create streams')))
  void connection
    .serve((stream) => {
      const type = stream.header('streamtype') ?? ''
      if (!expected.includes(type) || streams.has(type)) return stream.destroy()
      streams.set(type, stream)
      if (expected.every((name) => streams.has(name))) complete.resolve()
    })
    .catch(() => {})
    .finally(() => {
      gone.abort(new Error('the client went away'))
      complete.reject(new Error('the client went away'))
    })
  try {
    await complete.promise
  } catch (error) {
    connection.close()
    throw error
  } finally {
    limit.cancel()
  }
  const resize = streams.get('resize')
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    resize: resize && terminalSizes(resize),
    signal: gone.signal,
    async finish(outcome) {
      const status = outcomeStatus(outcome)
      const text = protocol === 'v4.channel.k8s.io' ? JSON.stringify(status) : 'message' in status ? status.message : ''
      // The client waits for the end of every stream it opened.
      const ends = [...streams].map(([type, stream]) => end(stream, type === 'error' ? text : ''))
      await Promise.allSettled(ends)
      connection.close()
    },
  }
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
  await once(stream, 'finish')
}
