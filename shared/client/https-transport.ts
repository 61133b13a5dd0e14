import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Clock } from '../time/clock.ts'
import { type Connection, type ConnectionSource, LOOK_AGAIN_MILLISECONDS } from './connection.ts'
import { ConnectionError } from './connection-error.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

interface HttpsTransportOptions {
  clock: Clock
  /** How long an answer may be silent, before its head and between its parts; watches only before the head. */
  silenceMilliseconds?: number
}

/** Silence on a connection after which the kernel asks the peer whether it still lives; a dead one is known about ten seconds later. */
const KEEP_ALIVE_MILLISECONDS = 20_000

interface Pool {
  connection: Connection
  base: URL
  requests: HttpAgent
  streams: HttpAgent
  dial: typeof httpRequest
  /** Connections that are made, not still being made. */
  connected: WeakSet<Socket>
}

/**
 * HTTP/1.1 over TLS (or plain, for loopback ports) with connections that are kept. Watches have connections of their own, so that no
 * request queues behind one. Changed credentials open a new pool; what runs on the old one ends by itself.
 */
export function createHttpsTransport(source: ConnectionSource, options: HttpsTransportOptions): Transport {
  const { clock, silenceMilliseconds = 60_000 } = options
  let pool: Pool | undefined
  let lookedAt = 0
  let closings = 0
  const currentPool = (mustLook: boolean): Pool => {
    if (pool && !mustLook && clock.monotonic() - lookedAt < LOOK_AGAIN_MILLISECONDS) return pool
    lookedAt = clock.monotonic()
    const connection = source.current()
    if (pool?.connection === connection) return pool
    pool?.requests.destroy()
    return (pool = openPool(connection))
  }
  return {
    async send(request) {
      const before = closings
      for (let attempt = 1; ; attempt++) {
        try {
          const response = await exchange(currentPool(attempt > 1), request, clock, silenceMilliseconds)
          // A refused identity may be an outdated one: look at the files once more before giving the answer up.
          const asked = pool
          if (response.status !== 401 || attempt > 1 || currentPool(true) === asked) return response
          await response.text()
        } catch (error) {
          // A connection that we ended ourselves is not the server's way of saying that it was old.
          if (!(error instanceof StaleConnection) || attempt > 1 || closings !== before) throw error
        }
      }
    },
    close() {
      closings++
      pool?.requests.destroy()
      pool?.streams.destroy()
      pool = undefined
    },
  }
}

/** A kept connection was closed by the server as we asked for something that may be asked twice. */
class StaleConnection extends ConnectionError {}

function openPool(connection: Connection): Pool {
  const base = new URL(connection.server)
  if (base.protocol === 'http:') {
    const plain = { keepAlive: true, maxSockets: 64 }
    return {
      connection,
      base,
      requests: new HttpAgent(plain),
      streams: new HttpAgent({ ...plain, maxSockets: Infinity }),
      dial: httpRequest,
      connected: new WeakSet(),
    }
  }
  const tls = {
    keepAlive: true,
    ca: connection.ca,
    cert: connection.certificate,
    key: connection.key,
    servername: connection.serverName,
    rejectUnauthorized: !connection.insecure,
  }
  return {
    connection,
    base,
    requests: new HttpsAgent({ ...tls, maxSockets: 64 }),
    streams: new HttpsAgent({ ...tls, maxSockets: Infinity }),
    dial: httpsRequest,
    connected: new WeakSet(),
  }
}

function exchange(pool: Pool, request: TransportRequest, clock: Clock, silenceMilliseconds: number): Promise<TransportResponse> {
  const { signal } = request
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const headers: Record<string, string | number> = { ...request.headers }
    if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body)
    if (pool.connection.token && !('authorization' in headers)) headers['authorization'] = `Bearer ${pool.connection.token}`
    const outgoing = pool.dial({
      protocol: pool.base.protocol,
      hostname: pool.base.hostname.replace(/^\[|\]$/g, ''),
      port: pool.base.port,
      path: `${pool.base.pathname === '/' ? '' : pool.base.pathname}${request.path}`,
      method: request.method,
      headers,
      agent: request.stream ? pool.streams : pool.requests,
    })
    const silence = clock.after(silenceMilliseconds, () => outgoing.destroy(new Error(`no answer within ${silenceMilliseconds} ms`)))
    const onAbort = () => outgoing.destroy()
    signal?.addEventListener('abort', onAbort, { once: true })
    const settled = () => {
      silence.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    let sent = false
    let objection: Error | undefined
    // Handed over only when it can leave at once: what waits for a connection may be too late by then.
    const leave = () => {
      objection = request.fence?.objection()
      if (objection) return outgoing.destroy(objection)
      sent = true
      outgoing.end(request.body)
    }
    outgoing.on('socket', (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS)
      // Not `reusedSocket`: of a request that waited for a free connection that says no.
      if (pool.connected.has(socket)) return leave()
      socket.once(pool.dial === httpsRequest ? 'secureConnect' : 'connect', () => {
        pool.connected.add(socket)
        leave()
      })
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      settled()
      if (signal?.aborted) return reject(signal.reason)
      if (objection) return reject(objection)
      const stale = outgoing.reusedSocket && error.code === 'ECONNRESET' && request.method === 'GET'
      const Kind = stale ? StaleConnection : ConnectionError
      reject(new Kind(`${request.method} ${pool.base.origin}${request.path}: ${error.message || error.code}`, { cause: error, sent }))
    })
    outgoing.on('response', (incoming) => {
      settled()
      resolve(received(incoming, request, clock, request.stream ? undefined : silenceMilliseconds))
    })
  })
}

function received(
  incoming: IncomingMessage,
  { path, signal }: TransportRequest,
  clock: Clock,
  silence: number | undefined,
): TransportResponse {
  const broken = (cause: unknown) => (signal?.aborted ? signal.reason : new ConnectionError(`the answer to ${path} broke off`, { cause }))
  return {
    status: incoming.statusCode ?? 0,
    header: (name) => {
      const value = incoming.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    text: () =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          incoming.destroy()
          return reject(signal.reason)
        }
        const parts: Buffer[] = []
        const onAbort = () => incoming.destroy()
        signal?.addEventListener('abort', onAbort, { once: true })
        let heardAt = clock.monotonic()
        const watchdog =
          silence === undefined
            ? undefined
            : clock.every(silence, () => {
                if (clock.monotonic() - heardAt >= silence) incoming.destroy(new Error('the answer stopped arriving'))
              })
        const settled = () => {
          watchdog?.cancel()
          signal?.removeEventListener('abort', onAbort)
        }
        incoming.on('data', (part: Buffer) => {
          heardAt = clock.monotonic()
          parts.push(part)
        })
        incoming.on('end', () => {
          settled()
          if (incoming.complete) resolve((parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString('utf8'))
          else reject(broken(undefined))
        })
        incoming.on('error', (error) => {
          settled()
          reject(broken(error))
        })
        incoming.on('close', () => {
          settled()
          if (!incoming.complete) reject(broken(undefined))
        })
      }),
    async *chunks() {
      const onAbort = () => incoming.destroy()
      if (signal?.aborted) incoming.destroy()
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        for await (const part of incoming) yield part as Buffer
        if (!incoming.complete) throw broken(undefined)
      } catch (error) {
        throw error instanceof ConnectionError ? error : broken(error)
      } finally {
        signal?.removeEventListener('abort', onAbort)
        incoming.destroy()
      }
    },
  }
}
