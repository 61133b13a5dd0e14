import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { type StreamScope, StreamScopes } from '../../shared/streams/stream-scope.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { NodeStats } from '../stats/node-stats.ts'
import { requireApiServer } from './authorization.ts'
import { logOptions } from './logs.ts'
import { type Route, routeOf } from './routes.ts'
import { loggedContainer, type ServedPods, servedPod } from './served-pods.ts'
import { Strangers } from './strangers.ts'
import { serveStreams, targetOf } from './streaming.ts'
import type { UpgradeRequest } from './upgrades.ts'

export interface KubeletServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** PEM of the authority that the API server's client certificate must be of. */
  clientAuthority: string
  certificate: ServingPair
  pods: ServedPods
  runtime: ContainerRuntime
  stats: NodeStats
  /** Undefined: well. */
  health(): string | undefined
  /** The settings in force, as a KubeletConfiguration. */
  configuration: Readonly<Record<string, unknown>>
  metrics: Metrics
  clock: Clock
  log: Logger
  /** How long a handshake may take, and the head of a request; absent: the usual. */
  headMilliseconds?: number
}

/** PEM. */
export interface ServingPair {
  certificate: string
  key: string
}

export interface KubeletServer {
  /** Resolves with the port once it listens. */
  start(): Promise<number>
  stop(): Promise<void>
  /** Connections from now on are served with this certificate. */
  setCertificate(pair: ServingPair): void
}

/** Heads that are late are looked for this often. */
const LATE_MILLISECONDS = 5_000

/** The node's own HTTPS API: logs, exec, attach, port-forward, and what the node knows about itself. For the API server only. */
export function createKubeletServer(options: KubeletServerOptions): KubeletServer {
  const { pods, runtime, clock, log, clientAuthority } = options
  const headMilliseconds = options.headMilliseconds ?? inputLimits.headSeconds * 1_000
  const scopes = new StreamScopes(log)
  const streaming = serveStreams({ pods, runtime, clock, log })
  options.metrics.gaugeFrom('kubelet_streaming_sessions', 'Open logs, sessions and port-forwards.', () => scopes.counts())

  const answer = async (request: IncomingMessage, response: ServerResponse, scope: StreamScope): Promise<void> => {
    requireApiServer(request.socket as TLSSocket)
    const { pathname, searchParams } = targetOf(request)
    const route = routeOf(pathname)
    switch (route.what) {
      case 'healthz':
        return sendText(response, options.health() === undefined ? 200 : 500, options.health() ?? 'ok')
      case 'configz':
        return sendJson(response, { kubeletconfig: options.configuration })
      case 'pods':
        return sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.list() })
      case 'stats':
        return sendJson(response, await options.stats.summary(summaryOptions(searchParams), scope.signal))
      case 'resource metrics':
        return sendMetrics(response, await options.stats.resources(scope.signal))
      case 'container metrics':
        return sendMetrics(response, await options.stats.containers(scope.signal))
      case 'metrics':
        return sendMetrics(response, options.metrics.render() + (await options.stats.volumes(scope.signal)))
      case 'logs':
        if (request.method !== 'GET') throw new StatusError('MethodNotAllowed', 'only GET')
        return sendLogs(route, searchParams, response, scope.signal)
      default:
        throw new StatusError('BadRequest', 'Upgrade request required')
    }
  }

  const sendLogs = async (
    route: Route & { what: 'logs' },
    query: URLSearchParams,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> => {
    const { previous, ...wanted } = logOptions(query, clock)
    const pod = servedPod(pods, route.namespace, route.pod)
    const id = await loggedContainer(runtime, pod, { container: route.container, previous }, signal)
    response.writeHead(200, { 'content-type': 'text/plain' })
    // A follower of a silent container must learn at once that the log is open.
    response.flushHeaders()
    await runtime.logs(id, wanted, response, signal)
    response.end()
  }

  /** One plain request, until its answer has gone out or its reader has gone. */
  const serveRequest = (request: IncomingMessage, response: ServerResponse, scope: StreamScope): Promise<void> => {
    scope.listen(request)
    scope.follow(response)
    // Its body means nothing; unread, it would end with the scope, and with it the connection that the next request is already coming on.
    request.resume()
    scope.onEnd(() => {
      if (!request.complete) request.destroy()
    })
    answer(request, response, scope).catch((error: unknown) => {
      if (response.destroyed) return
      const { code, message } = asFailure(error)
      if (code === 500) log.warn('a request to the node failed', { url: request.url, error })
      if (response.headersSent) response.destroy()
      else sendText(response, code, message)
    })
    return new Promise((resolve) => void scope.onEnd(resolve))
  }

  /** One request that asks for another protocol. */
  const serveUpgrade = async (connection: UpgradeRequest): Promise<void> => {
    const { request, socket, scope } = connection
    scope.follow(socket)
    try {
      await streaming(connection)
    } catch (error) {
      const { code, message } = asFailure(error)
      log.debug('a streaming request failed', { url: request.url, error: message })
      if (connection.switched || scope.isOver) return
      socket.end(refusal(code, message))
      await scope.farewell(socket, clock)
    }
  }

  const serve = (request: IncomingMessage, work: (scope: StreamScope) => Promise<void>) => {
    const [path = '/'] = (request.url ?? '/').split('?')
    scopes
      .run(verbOf(path), path, work)
      .catch((error: unknown) => log.error('a request to the node was not ended in order', { path, error }))
  }

  const server = createServer(
    {
      ...{ cert: options.certificate.certificate, key: options.certificate.key, ca: clientAuthority, minVersion: 'TLSv1.2' },
      ...{ requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 60_000, requestTimeout: 0, noDelay: true },
      // An exec's command and its environment travel in the URL. Strangers' heads have a bound of their own.
      ...{ maxHeaderSize: inputLimits.headerBytes, headersTimeout: headMilliseconds, handshakeTimeout: headMilliseconds },
      connectionsCheckingInterval: Math.min(LATE_MILLISECONDS, headMilliseconds),
    },
    (request, response) => serve(request, (scope) => serveRequest(request, response, scope)),
  )
  const strangers = new Strangers(log)
  strangers.watch(server)
  options.metrics.gaugeFrom(
    'kubelet_stranger_connections',
    'Connections that have not shown a certificate that opens this node.',
    () => strangers.size,
  )
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    serve(request, (scope) => serveUpgrade({ request, socket, head, scope })),
  )
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error: error.message }))

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(options.port, options.host, () => {
          server.off('error', reject)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        scopes.endAll()
        server.closeAllConnections()
      }),
    setCertificate: ({ certificate, key }) =>
      server.setSecureContext({ cert: certificate, key, ca: clientAuthority, minVersion: 'TLSv1.2' }),
  }
}

/** Metrics count by what is asked for; strangers' paths are all one. */
function verbOf(path: string): string {
  try {
    return routeOf(path).what
  } catch {
    return 'unknown' // answered as a refusal later
  }
}

function asFailure(error: unknown): { code: number; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return { code: error instanceof StatusError ? error.code : 500, message }
}

function refusal(code: number, message: string): string {
  const body = `${message}\n`
  const head = [`HTTP/1.1 ${code} Failed`, 'Content-Type: text/plain; charset=utf-8', `Content-Length: ${Buffer.byteLength(body)}`]
  return `${head.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`
}

function sendText(response: ServerResponse, code: number, text: string): void {
  // Who may not come in need not stay at the door.
  if (code === 401 || code === 403) response.setHeader('connection', 'close')
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) }).end(text)
}

function sendMetrics(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  response.end(text)
}

/** `?only_cpu_and_memory=true`, in the spellings that Go reads as true. */
function summaryOptions(query: URLSearchParams): { onlyCpuAndMemory: boolean } {
  return { onlyCpuAndMemory: /^(1|t|true)$/i.test(query.get('only_cpu_and_memory') ?? '') }
}

function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}
