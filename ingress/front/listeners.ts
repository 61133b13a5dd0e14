import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { IngressConfig } from '../config.ts'
import type { Front } from './front.ts'

export interface ListenersOptions {
  readonly config: Pick<
    IngressConfig,
    'bindAddress' | 'httpPort' | 'httpsPort' | 'maxConnections' | 'maxHeaderBytes' | 'idleTimeout' | 'drainTimeout'
  >
  readonly front: Front
  /** The certificate for a name that a client asks for. */
  readonly contextFor: (serverName: string) => SecureContext | undefined
  /** For clients that say no name. */
  readonly fallback: { readonly cert: string; readonly key: string }
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Logger
}

/** How long the head of a request may take, and a TLS handshake: slow ones hold connections. */
const HEAD_MILLISECONDS = 20_000
const HANDSHAKE_MILLISECONDS = 10_000
/** How long a connection without a request is kept; longer than most clients keep theirs, so that they close first. */
const KEEP_ALIVE_MILLISECONDS = 75_000
const LOOK_MILLISECONDS = 2_000
/** Requests at once on one HTTP/2 connection. */
const MOST_STREAMS = 128
const MOST_HEADERS = 200

/** The two doors: HTTP, and HTTPS with HTTP/1.1 and HTTP/2. */
export class Listeners {
  readonly #options: ListenersOptions
  readonly #http: Server
  readonly #https: Http2SecureServer
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()

  constructor(options: ListenersOptions) {
    this.#options = options
    this.#http = this.#plain()
    this.#https = this.#secure()
    const { metrics } = options
    metrics.gaugeFrom('coxswain_ingress_controller_connections', 'Open connections of clients.', () => this.#sockets.size)
  }

  /** Answers the ports. @throws Error that names a port which is taken */
  async start(): Promise<{ http: number; https: number }> {
    const { bindAddress, httpPort, httpsPort } = this.#options.config
    return { http: await listen(this.#http, bindAddress, httpPort), https: await listen(this.#https, bindAddress, httpsPort) }
  }

  /** Takes no more connections, lets requests under way finish, then closes what is left: idle connections and tunnels. */
  async stop(): Promise<void> {
    const { front, clock, config, log } = this.#options
    const closed = [this.#http, this.#https].map((server) => new Promise<void>((resolve) => void server.close(() => resolve())))
    this.#http.closeIdleConnections()
    for (const session of this.#sessions) session.close()
    const late = new AbortController()
    const tooLate = clock.sleep(config.drainTimeout, late.signal).then(
      () => log.warn('requests under way are broken off', { after: `${config.drainTimeout} ms` }),
      () => undefined,
    )
    await Promise.race([front.stop(), tooLate])
    late.abort()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }

  #plain(): Server {
    const { front, config } = this.#options
    const server = createServer({ ...this.#limits(), maxHeaderSize: config.maxHeaderBytes, noDelay: true })
    server.on('request', (request, response) => void front.serve(request, response, 'http'))
    server.on('upgrade', (request, socket, head) => void front.upgrade(request, socket as Socket, head, 'http'))
    server.on('connection', (socket) => this.#keep(socket))
    return server
  }

  #secure(): Http2SecureServer {
    const { front, config, fallback, contextFor, log } = this.#options
    const server = createSecureServer({
      ...{ ...fallback, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MILLISECONDS, allowHTTP1: true, noDelay: true },
      SNICallback: (name, done) => done(null, contextFor(name)),
      ...{ settings: { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: config.maxHeaderBytes, enablePush: false } },
      ...{ maxHeaderListPairs: MOST_HEADERS, maxSessionInvalidFrames: 100, maxSessionRejectedStreams: 100 },
    })
    // Of its HTTP/1.1 half the options are properties.
    Object.assign(server, { ...this.#limits(), maxHeaderSize: config.maxHeaderBytes })
    server.on('request', (request, response) => void front.serve(request, response, 'https'))
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => void front.upgrade(request, socket, head, 'https'))
    server.on('connection', (socket: Socket) => this.#keep(socket))
    server.on('session', (session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
      session.setTimeout(Math.max(KEEP_ALIVE_MILLISECONDS, config.idleTimeout), () => session.close())
    })
    server.on('sessionError', (error) => log.debug('an HTTP/2 connection broke', { why: error.message }))
    server.on('tlsClientError', (error, socket) => log.debug('a TLS handshake failed', { from: socket.remoteAddress, why: error.message }))
    server.maxConnections = config.maxConnections
    return server
  }

  #limits() {
    return {
      ...{ headersTimeout: HEAD_MILLISECONDS, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MILLISECONDS },
      ...{ connectionsCheckingInterval: LOOK_MILLISECONDS, maxConnections: this.#options.config.maxConnections },
      shouldUpgradeCallback: isTunnel,
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

/** An offer of HTTP/2 without TLS is not taken: such a request is answered as it stands. */
function isTunnel({ headers }: IncomingMessage): boolean {
  const protocol = headers.upgrade?.toLowerCase() ?? ''
  return protocol !== '' && !protocol.split(/[\s,]+/).some((each) => each === 'h2c' || each === 'h2' || each.startsWith('tls/'))
}

function listen(server: Server | Http2SecureServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'somebody listens there already'
          : error.code === 'EACCES'
            ? 'ports below 1024 need a right that this process has not'
            : error.message
      reject(new Error(`cannot listen on ${host}:${port}: ${why}`, { cause: error }))
    }
    server.once('error', refuse)
    server.listen({ host, port }, () => {
      server.off('error', refuse)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
