import { type Duplex, pipeline } from 'node:stream'
import type { Logger } from '../../shared/logging/logger.ts'
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts'

/** Connects to a port of the pod. */
export type DialPort = (port: number, signal: AbortSignal) => Promise<Duplex>

export interface PortForwardOptions {
  dial: DialPort
  /** For sentences: the pod's name. */
  pod: string
  log: Logger
}

/** A connection opens its two streams together; one that never gets its second is not worth keeping more of than this. */
const MOST_HALVES = 100

/**
 * Serves one client's port-forward connection until it ends. Every forwarded connection is a pair of streams with one request id:
 * `error`, on which a failure is told as text, and `data`.
 */
export async function servePortForward(transport: Duplex, options: PortForwardOptions): Promise<void> {
  const connection = new SpdyConnection(transport)
  const gone = new AbortController()
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
    void forward({ data, error, port }, options, gone.signal)
  }
  try {
    await connection.serve(accept)
  } finally {
    gone.abort(new Error('the client went away'))
  }
}

interface Pair {
  data: SpdyStream
  error: SpdyStream
  port: number
}

async function forward({ data, error, port }: Pair, { dial, pod, log }: PortForwardOptions, signal: AbortSignal): Promise<void> {
  try {
    const target = await dial(port, signal)
    const stop = () => target.destroy()
    signal.addEventListener('abort', stop, { once: true })
    await join(data, target)
    signal.removeEventListener('abort', stop)
    error.end()
  } catch (cause) {
    if (signal.aborted) return
    const why = cause instanceof Error ? cause.message : String(cause)
    log.debug('a forwarded connection failed', { pod, port, error: why })
    error.end(`an error occurred forwarding ${port} -> ${port}: error forwarding port ${port} to pod ${pod}: ${why}`)
    data.destroy()
  }
}

/** Both directions, each with its own end: half-closed connections are ordinary. */
function join(client: Duplex, target: Duplex): Promise<void> {
  const oneWay = (from: Duplex, to: Duplex) =>
    new Promise<void>((resolve, reject) => pipeline(from, to, (error) => (error ? reject(error) : resolve())))
  return Promise.all([oneWay(client, target), oneWay(target, client)]).then(
    () => {},
    (error: NodeJS.ErrnoException) => {
      client.destroy()
      target.destroy()
      // One side hung up in the middle: that is how connections end, not a failure of forwarding.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE' && error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error
    },
  )
}
