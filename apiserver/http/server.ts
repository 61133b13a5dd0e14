import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { ByteBudget } from '../../shared/limits/byte-budget.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { pageProblem } from '../../shared/process/page-guard.ts'
import type { User } from '../authn/user.ts'
import type { BodyIntake } from './body-intake.ts'
import { answerUnreadable } from './client-error.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import type { ApiRequest, Reply } from './exchange.ts'
import { NodeReply, NodeRequest } from './node-exchange.ts'
import { takeProtocolTokens } from './protocol-token.ts'
import { sendError } from './response.ts'
import { UpgradeReply } from './upgrade.ts'

/** Serves one request; never rejects. */
export type RequestHandler = (request: ApiRequest, reply: Reply) => Promise<void>

/** Takes over a connection after an Upgrade request (WebSocket, SPDY). */
export type UpgradeHandler = (request: ApiRequest, raw: IncomingMessage, socket: Duplex, head: Buffer) => void

/** What all listeners of a server share. */
export interface ServerBounds {
  readonly connections: ConnectionCounts
  readonly intake: BodyIntake
  /** Of everything that waits to be sent. */
  readonly unsent: ByteBudget
}

export interface ServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Absent: plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientAuthority: string } | undefined
  /** Everybody who comes in here is this user (the loopback port). */
  readonly user?: User | undefined
  readonly handler: RequestHandler
  readonly upgrade?: UpgradeHandler | undefined
  readonly bounds: ServerBounds
  readonly log: Logger
}

/** How long a connection without a request is kept: longer than Go's clients keep theirs (90 s), so that they close first. */
const KEEP_ALIVE_MILLISECONDS = 180_000
const HEAD_MILLISECONDS = inputLimits.headSeconds * 1_000

/** One listener on fastify: a single catch-all route whose answers are written by the pipeline. */
export class ApiListener {
  readonly #options: ServerOptions
  readonly #app: Pick<FastifyInstance, 'listen' | 'close'>
  #server: Server | undefined
  /** The answer that each connection got or gets. */
  readonly #answering = new WeakMap<object, ServerResponse>()

  constructor(options: ServerOptions) {
    this.#options = options
    const app = fastify({
      loggerInstance: quietLogger(options.log),
      logController: new LogController({ disableRequestLogging: true }),
      bodyLimit: Number.MAX_SAFE_INTEGER,
      forceCloseConnections: false,
      return503OnClosing: false,
      exposeHeadRoutes: false,
      // Bodies have schemas of their own; fastify's compilers would only take memory and time to load.
      schemaController: { compilersFactory: { buildValidator: () => noCompiler, buildSerializer: () => noCompiler } },
      routerOptions: { maxParamLength: inputLimits.headerBytes, ignoreDuplicateSlashes: false },
      frameworkErrors: (_error, request, reply) => {
        // A URL the router cannot decode: the pipeline says so in its own words.
        void reply.hijack()
        this.#serve(request.raw, reply.raw)
      },
      clientErrorHandler: (error, socket) => answerUnreadable(error, socket, this.#answering.get(socket), HEAD_MILLISECONDS),
      serverFactory: (listener) => (this.#server = this.#makeServer(listener)) as never,
    })
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const route = (request: { raw: IncomingMessage }, reply: { hijack(): unknown; raw: ServerResponse }) => {
      reply.hijack()
      this.#serve(request.raw, reply.raw)
    }
    // onRequest comes before any body is looked at: bodies are read by the verb that wants one, and no sooner.
    app.addHook('onRequest', (request, reply) => route(request, reply))
    app.all('/*', () => {})
    app.setNotFoundHandler(() => {})
    this.#app = app
  }

  /** Answers the URL to dial. */
  async start(): Promise<string> {
    const { host, port, tls } = this.#options
    await this.#app.listen({ host, port })
    const address = this.#server!.address() as AddressInfo
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
    const dialled = name === '0.0.0.0' || name === '[::]' ? '127.0.0.1' : name
    return `${tls ? 'https' : 'http'}://${dialled}:${address.port}`
  }

  /** Stops accepting, lets answers in progress finish for a moment, then closes what is left. */
  async stop(grace: Promise<void>): Promise<void> {
    const closed = this.#app.close()
    this.#server?.closeIdleConnections()
    await Promise.race([closed, grace])
    this.#server?.closeAllConnections()
    await closed
  }

  /** Uses renewed certificates for connections from now on. */
  renew(tls: { key: string; cert: string }): void {
    const server = this.#server
    if (server && 'setSecureContext' in server && typeof server.setSecureContext === 'function') {
      server.setSecureContext({ ...tls, ca: this.#options.tls?.clientAuthority })
    }
  }

  #serve(raw: IncomingMessage, response: ServerResponse): void {
    const { intake, unsent } = this.#options.bounds
    const reply = new NodeReply(response, unsent)
    this.#answering.set(raw.socket, response)
    if (this.#refusesPage(raw, reply)) return
    void this.#options.handler(new NodeRequest(raw, { user: this.#options.user, carrier: { intake, response } }), reply)
  }

  /** One too many is closed before it costs a handshake. */
  #count(socket: Socket): void {
    const { connections } = this.#options.bounds
    const address = socket.remoteAddress ?? ''
    if (!connections.admit(address)) {
      this.#options.log.debug('too many connections', { from: address })
      socket.destroy()
      return
    }
    socket.once('close', () => connections.leave(address))
  }

  /** Where nobody is asked who they are, whatever a web page can send must be kept out, upgrades included. */
  #refusesPage(raw: IncomingMessage, reply: Reply): boolean {
    const why = this.#options.user && pageProblem(raw)
    if (why === undefined) return false
    sendError(reply, new StatusError('Forbidden', why, { details: {} }), this.#options.log, {})
    return true
  }

  #makeServer(listener: RequestListener): Server {
    const { tls, upgrade, log } = this.#options
    const limits = {
      ...{ maxHeaderSize: inputLimits.headerBytes, noDelay: true },
      // A body has its own pace (http/body-pace.ts), because a large one may take its time.
      ...{
        keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
        headersTimeout: HEAD_MILLISECONDS,
        requestTimeout: 0,
        connectionsCheckingInterval: 5_000,
      },
    }
    const server = tls
      ? createTlsServer(
          {
            ...limits,
            ...{ key: tls.key, cert: tls.cert, ca: tls.clientAuthority, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] },
            ...{ requestCert: true, rejectUnauthorized: false, handshakeTimeout: HEAD_MILLISECONDS },
          },
          listener,
        )
      : createHttpServer(limits, listener)
    server.on('connection', (socket: Socket) => this.#count(socket))
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      log.debug('a TLS handshake failed', { from: socket.remoteAddress, why: error.message })
    })
    if (upgrade) {
      server.on('upgrade', (raw: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (this.#refusesPage(raw, new UpgradeReply(raw, socket, head, this.#options.bounds.unsent))) return
        upgrade(new NodeRequest(raw, { user: this.#options.user, protocolTokens: takeProtocolTokens(raw) }), raw, socket, head)
      })
    }
    return server
  }
}

function noCompiler(): never {
  throw new Error('no route has a schema')
}

/** fastify wants pino's interface; ours writes the lines. */
function quietLogger(log: Logger) {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: unknown, message?: string) => {
    if (typeof fields === 'string') log[level](fields)
    else log[level](message ?? 'http', typeof fields === 'object' && fields !== null ? { ...fields } : {})
  }
  const quiet = {
    ...{ debug: () => {}, trace: () => {}, info: write('debug'), warn: write('warn'), error: write('error'), fatal: write('error') },
    ...{ silent: () => {}, level: 'info' },
    child: () => quiet,
  }
  return quiet
}
