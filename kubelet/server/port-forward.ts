import { type Duplex, pipeline } from 'node:stream'
import type { Logger } from '../../shared/logging/logger.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { SpdyConnection, type SpdyStream } from '../spdy/spdy-connection.ts'
import { keepAlive } from './spdy-session.ts'

/** Connects to a port of the pod. */
export type DialPort = (port: number, signal: AbortSignal) => Promise<Duplex>

export interface PortForwardOptions {
  dial: DialPort
  /** For sentences: the pod's name. */
  pod: string
  /** Owns the client's connection already, and from now on all that is dialled for it. */
  scope: StreamScope
  log: Logger
}

/** A connection opens its two streams together; one that never gets its second is not worth keeping more of than this. */
const MOST_HALVES = 100

/**
 * Serves one client's port-forward connection until it ends. Every forwarded connection is a pair of streams with one request id:
 * `error`, on which a failure is told as text, and `data`.
 */
export async function servePortForward(transport: Duplex, options: PortForwardOptions, clock: Clock): Promise<void> {
  const { scope } = options
  const connection = new SpdyConnection(transport)
  scope.onEnd(() => connection.close())
  keepAlive(connection, scope, clock)
  const halves = new Map<string, SpdyStream>()
  const accept = (stream: SpdyStream) => {
    const type = stream.header('streamtype')
    const port = Number(stream.header('port'))
    const isGood = (type === 'error' || type === 'data') && Number.isInteger(port) && port > 0 && port < 65_536
    if (!isGood) return stream.destroy()
    // Old clients send no id: theirs are consecutive stream ids, the error stream first.
    const key = stream.header('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2)
    const other = halves.get(key)
    if (!other) {
      if (halves.size >= MOST_HALVES) return stream.destroy()
      halves.set(key, stream)
      stream.once('close', () => {
        if (halves.get(key) === stream) halves.delete(key)
      })
      return
    }
    halves.delete(key)
    const [data, error] = type === 'data' ? [stream, other] : [other, stream]
    void forward({ data, error, port }, options)
  }
  await connection.serve(accept)
}

interface Pair {
  data: SpdyStream
  error: SpdyStream
  port: number
}

/** Never rejects: whatever becomes of one connection, the others go on. */
async function forward({ data, error, port }: Pair, { dial, pod, scope, log }: PortForwardOptions): Promise<void> {
  try {
    const target = scope.own(await dial(port, scope.signal))
    // Clients close their side when the error stream ends, and hang up the whole forward when they read anything on it.
    await join(data, target, () => error.end())
  } catch (cause) {
    if (scope.isOver) return
    const why = cause instanceof Error ? cause.message : String(cause)
    log.debug('a forwarded connection failed', { pod, port, error: why })
    error.end(forwardFailure(pod, port, why))
    data.destroy()
  }
}

/** As upstream's kubelet words it. */
export function forwardFailure(pod: string, port: number, why: string): string {
  return `an error occurred forwarding ${port} -> ${port}: error forwarding port ${port} to pod ${pod}: ${why}`
}

/**
 * Both directions, each with its own end: half-closed connections are ordinary. So is a side that hangs up in the middle: then both end.
 * @param answered called when the client has all that the target will ever say
 */
export async function join(client: Duplex, target: Duplex, answered: () => void): Promise<void> {
  const oneWay = (from: Duplex, to: Duplex) =>
    new Promise<void>((resolve) =>
      pipeline(from, to, (error) => {
        if (error) for (const side of [client, target]) side.destroy()
        resolve()
      }),
    )
  const question = oneWay(client, target)
  await oneWay(target, client)
  answered()
  await question
}
