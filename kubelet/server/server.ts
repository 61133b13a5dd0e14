import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { requireApiServer } from './authorization.ts'
import { forwardedPorts, serveChannels } from './channel-port-forward.ts'
import { isSet, logOptions, untilClosed } from './logs.ts'
import { servePortForward } from './port-forward.ts'
import { type Route, routeOf } from './routes.ts'
import { liveSandbox, loggedContainer, runningContainer, type ServedPods, servedPod } from './served-pods.ts'
import type { Session, SessionOutcome, SessionWish } from './session.ts'
import { type UpgradeRequest, Upgrades, upgradeKind } from './upgrades.ts'

export interface KubeletServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** PEM of the authority that the API server's client certificate must be of. */
  clientAuthority: string
  certificate: ServingPair
  pods: ServedPods
  runtime: ContainerRuntime
  stats(signal: AbortSignal): Promise<unknown>
  /** Undefined: well. */
  health(): string | undefined
  metrics: Metrics
  clock: Clock
  log: Logger
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

/** The node's own HTTPS API: logs, exec, attach, port-forward, and what the node knows about itself. For the API server only. */
export function createKubeletServer(options: KubeletServerOptions): KubeletServer {
  const { pods, runtime, clock, log, clientAuthority } = options
  const upgrades = new Upgrades(clock)
  const open = new Set<Duplex>()

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requireApiServer(request.socket as TLSSocket)
    const url = new URL(request.url ?? '/', 'https://node')
    const route = routeOf(url.pathname)
    switch (route.what) {
      case 'healthz':
        return sendText(response, options.health() === undefined ? 200 : 500, options.health() ?? 'ok')
      case 'pods':
        return sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.list() })
      case 'stats':
        return sendJson(response, await options.stats(untilClosed(response)))
      case 'metrics':
        response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
        response.end(options.metrics.render())
        return
      case 'logs':
        if (request.method !== 'GET') throw new StatusError('MethodNotAllowed', 'only GET')
        return sendLogs(route, url.searchParams, response)
      default:
        throw new StatusError('BadRequest', 'Upgrade request required')
    }
  }

  const sendLogs = async (route: Route & { what: 'logs' }, query: URLSearchParams, response: ServerResponse): Promise<void> => {
    const signal = untilClosed(response)
    const { previous, ...wanted } = logOptions(query, clock)
    const pod = servedPod(pods, route.namespace, route.pod)
    const id = await loggedContainer(runtime, pod, { container: route.container, previous }, signal)
    response.writeHead(200, { 'content-type': 'text/plain' })
    // A follower of a silent container must learn at once that the log is open.
    response.flushHeaders()
    await runtime.logs(id, wanted, response, signal)
    response.end()
  }

  const upgrade = async (connection: UpgradeRequest): Promise<void> => {
    const { request, socket } = connection
    requireApiServer(request.socket as TLSSocket)
    const url = new URL(request.url ?? '/', 'https://node')
    const route = routeOf(url.pathname)
    upgradeKind(request)
    const { signal } = new AbortController()
    if (route.what === 'portForward') {
      const pod = servedPod(pods, route.namespace, route.pod, route.uid)
      const sandbox = await liveSandbox(runtime, pod, signal)
      const ports = url.searchParams.has('port') ? forwardedPorts(url.searchParams) : []
      const transport = await upgrades.portForward(connection)
      const dial = (port: number, until: AbortSignal) => runtime.connectPort(sandbox, port, until)
      const forward = { dial, pod: route.pod, log }
      return 'spdy' in transport ? servePortForward(transport.spdy, forward) : serveChannels(transport.channels, ports, forward)
    }
    if (route.what !== 'exec' && route.what !== 'attach') throw new StatusError('BadRequest', 'this path has nothing to upgrade to')
    const pod = servedPod(pods, route.namespace, route.pod, route.uid)
    const wish = sessionWish(url.searchParams)
    const command = url.searchParams.getAll('command')
    if (route.what === 'exec' && command.length === 0) throw new StatusError('BadRequest', 'you must specify at least one command')
    const id = await runningContainer(runtime, pod, route.container, signal)
    const session = await upgrades.session(connection, wish)
    const work = async () => {
      if (route.what === 'exec') return { exitCode: await runtime.exec(id, command, { ...session, tty: wish.tty }) }
      await runtime.attach(id, { ...session, tty: wish.tty })
      return { exitCode: 0 }
    }
    await conclude(session, await outcomeOf(work), { log, socket })
  }

  const server = createServer(
    {
      ...{ cert: options.certificate.certificate, key: options.certificate.key, ca: clientAuthority, minVersion: 'TLSv1.2' },
      ...{ requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 60_000, requestTimeout: 0, noDelay: true },
    },
    (request, response) => {
      answer(request, response).catch((error: unknown) => failResponse(request, response, error))
    },
  )
  const failResponse = (request: IncomingMessage, response: ServerResponse, error: unknown) => {
    if (response.destroyed) return
    const { code, message } = asFailure(error)
    if (code === 500) log.warn('a request to the node failed', { url: request.url, error })
    if (response.headersSent) response.destroy()
    else sendText(response, code, message)
  }
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', (error) => log.debug('a streaming connection broke', { url: request.url, error: error.message }))
    const connection: UpgradeRequest = { request, socket, head }
    upgrade(connection).catch((error: unknown) => {
      const { code, message } = asFailure(error)
      log.debug('a streaming request failed', { url: request.url, error: message })
      if (connection.switched) socket.destroy()
      else failUpgrade(socket, code, message)
    })
  })
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
        for (const socket of open) socket.destroy()
        server.closeAllConnections()
      }),
    setCertificate: ({ certificate, key }) =>
      server.setSecureContext({ cert: certificate, key, ca: clientAuthority, minVersion: 'TLSv1.2' }),
  }
}

/** As the API server spells them for the kubelet. */
function sessionWish(query: URLSearchParams): SessionWish {
  const wish = { stdin: isSet(query, 'input'), stdout: isSet(query, 'output'), stderr: isSet(query, 'error'), tty: isSet(query, 'tty') }
  if (!wish.stdin && !wish.stdout && !wish.stderr)
    throw new StatusError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr')
  return wish
}

async function outcomeOf(work: () => Promise<SessionOutcome>): Promise<SessionOutcome> {
  try {
    return await work()
  } catch (error) {
    return { error }
  }
}

async function conclude(session: Session, outcome: SessionOutcome, { log, socket }: { log: Logger; socket: Duplex }): Promise<void> {
  if (session.signal.aborted) return
  const outputs = [session.stdout, session.stderr].filter((stream) => stream !== undefined)
  for (const stream of outputs) if (!stream.writableEnded) stream.end()
  await Promise.allSettled(outputs.map((stream) => finished(stream, { readable: false })))
  try {
    await session.finish(outcome)
  } catch (error) {
    log.debug('the outcome of a session could not be told', { error })
    socket.destroy()
  }
}

function asFailure(error: unknown): { code: number; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return { code: error instanceof StatusError ? error.code : 500, message }
}

function failUpgrade(socket: Duplex, code: number, message: string): void {
  if (!socket.writable) return
  const body = `${message}\n`
  const head = [`HTTP/1.1 ${code} Failed`, 'Content-Type: text/plain; charset=utf-8', `Content-Length: ${Buffer.byteLength(body)}`]
  socket.end(`${head.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`)
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) }).end(text)
}

function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}
