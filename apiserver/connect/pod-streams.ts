import { StatusError } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import { isTrue, methodNotAllowed } from '../http/request-info.ts'
import type { Call } from '../verbs/call.ts'
import { type ConnectTools, containerOf, kubeletPath, podOf, requireCreate } from './connect-call.ts'
import { handshakeHeaders, tunnel, upgradeOf } from './tunnel.ts'

/** `pods/exec` and `pods/attach`: a session with a command or a container, carried to the kubelet as it comes. */
export async function podSession(call: Call, tools: ConnectTools, scope: StreamScope): Promise<void> {
  const { info } = call
  const pod = podOf(call, tools.reader)
  const container = containerOf(pod, info.query.get('container') ?? '')
  const commands = info.query.getAll('command')
  if (info.subresource === 'exec' && commands.length === 0) {
    throw new StatusError('BadRequest', 'you must specify at least one command for the container')
  }
  const query = sessionQuery(info.query)
  if (info.subresource === 'exec') for (const command of commands) query.append('command', command)
  await toKubelet(call, { tools, scope }, pod, `${kubeletPath(info.subresource, info.namespace, info.name, container)}?${query}`)
}

/** `pods/portforward`: the connection goes to the kubelet as it is; the ports are named inside it, by older clients in the query. */
export async function podPortForward(call: Call, tools: ConnectTools, scope: StreamScope): Promise<void> {
  const { info } = call
  const pod = podOf(call, tools.reader)
  const ports = info.query.getAll('ports').map((port) => `port=${encodeURIComponent(port)}`)
  await toKubelet(
    call,
    { tools, scope },
    pod,
    `${kubeletPath('portForward', info.namespace, info.name)}${ports.length > 0 ? `?${ports.join('&')}` : ''}`,
  )
}

/** Whether a call opens streams to a pod. */
export function isSession({ info }: Call): boolean {
  return info.subresource === 'exec' || info.subresource === 'attach' || info.subresource === 'portforward'
}

/** @throws StatusError MethodNotAllowed, Forbidden */
export function checkSessionVerb(call: Call, { require }: Pick<ConnectTools, 'require'>): void {
  if (call.info.verb !== 'get' && call.info.verb !== 'create') throw methodNotAllowed()
  requireCreate(call, require)
}

/** API names → the kubelet's. @throws StatusError BadRequest when no stream was asked for */
function sessionQuery(query: URLSearchParams): URLSearchParams {
  const names = { stdin: 'input', stdout: 'output', stderr: 'error' } as const
  const result = new URLSearchParams()
  for (const [api, kubelet] of Object.entries(names)) if (isTrue(query.get(api))) result.set(kubelet, '1')
  if (result.size === 0) throw new StatusError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr')
  if (isTrue(query.get('tty'))) result.set('tty', '1')
  return result
}

interface Means {
  readonly tools: ConnectTools
  readonly scope: StreamScope
}

async function toKubelet(call: Call, { tools: { kubelets }, scope }: Means, pod: Pod, path: string): Promise<void> {
  const { nodeName } = pod.spec
  if (!nodeName) throw new StatusError('BadRequest', `pod ${pod.metadata.name} does not have a host assigned`)
  const reply = upgradeOf(call)
  const address = kubelets.addressOf(nodeName)
  const socket = await kubelets.dial(address, scope)
  // A command must not be started for somebody who has left.
  scope.signal.throwIfAborted()
  const headers = { ...handshakeHeaders(call.request.headers), host: `${address.host}:${address.port}` }
  await tunnel(reply, { socket, method: call.request.method, path, headers }, scope)
}
