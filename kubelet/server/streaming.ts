import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { requireApiServer } from './authorization.ts'
import { forwardedPorts, serveChannels } from './channel-port-forward.ts'
import { isSet } from './logs.ts'
import { servePortForward } from './port-forward.ts'
import { type Route, routeOf } from './routes.ts'
import { attachedContainer, liveSandbox, runningContainer, type ServedPods, servedPod } from './served-pods.ts'
import type { Session, SessionOutcome, SessionWish } from './session.ts'
import { type UpgradeRequest, Upgrades, upgradeKind } from './upgrades.ts'

export interface StreamingParts {
  readonly pods: ServedPods
  readonly runtime: ContainerRuntime
  readonly clock: Clock
  readonly log: Logger
}

/** Serves one request that asks for another protocol, to its end. @throws StatusError for a refusal, as long as nothing was answered */
export type ServeStreams = (connection: UpgradeRequest) => Promise<void>

/** Exec, attach and port-forward. */
export function serveStreams(parts: StreamingParts): ServeStreams {
  const { pods, runtime, clock, log } = parts
  const upgrades = new Upgrades(clock)

  async function portForward(connection: UpgradeRequest, route: Route & { what: 'portForward' }, query: URLSearchParams): Promise<void> {
    const { scope } = connection
    const pod = servedPod(pods, route.namespace, route.pod, route.uid)
    const sandbox = await liveSandbox(runtime, pod, scope.signal)
    const ports = query.has('port') ? forwardedPorts(query) : []
    const transport = await upgrades.portForward(connection)
    const dial = (port: number, until: AbortSignal) => runtime.connectPort(sandbox, port, until)
    const forward = { dial, pod: route.pod, scope, log }
    if ('spdy' in transport) await servePortForward(transport.spdy, forward, clock)
    else await serveChannels(transport.channels, ports, forward)
  }

  async function session(connection: UpgradeRequest, route: Route & { what: 'exec' | 'attach' }, query: URLSearchParams): Promise<void> {
    const { scope } = connection
    const pod = servedPod(pods, route.namespace, route.pod, route.uid)
    const wish = sessionWish(query)
    const command = query.getAll('command')
    if (route.what === 'exec' && command.length === 0) throw new StatusError('BadRequest', 'you must specify at least one command')
    const find = route.what === 'exec' ? runningContainer : attachedContainer
    const id = await find(runtime, pod, route.container, scope.signal)
    const streams = await upgrades.session(connection, wish)
    const given = { ...streams, tty: wish.tty, signal: scope.signal }
    const work = async () => {
      if (route.what === 'exec') return { exitCode: await runtime.exec(id, command, given) }
      await runtime.attach(id, given)
      return { exitCode: 0 }
    }
    await conclude(streams, await outcomeOf(work), scope.signal)
  }

  return async (connection) => {
    const { request, scope, socket } = connection
    requireApiServer(request.socket as TLSSocket)
    const { pathname, searchParams } = targetOf(request)
    const route = routeOf(pathname)
    upgradeKind(request)
    if (route.what === 'portForward') await portForward(connection, route, searchParams)
    else if (route.what === 'exec' || route.what === 'attach') await session(connection, route, searchParams)
    else throw new StatusError('BadRequest', 'this path has nothing to upgrade to')
    await scope.farewell(socket, clock)
  }
}

export function targetOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'https://node')
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

/** Output first, then the outcome; whoever has left is told nothing. */
async function conclude(session: Session, outcome: SessionOutcome, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const outputs = [session.stdout, session.stderr].filter((stream) => stream !== undefined)
  for (const stream of outputs) if (!stream.writableEnded) stream.end()
  await Promise.allSettled(outputs.map((stream) => finished(stream, { readable: false })))
  if (!signal.aborted) await session.finish(outcome)
}
