import { StatusError } from '../../shared/errors/status-error.ts'
import type { Random } from '../../shared/random/random.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import type { Call } from '../verbs/call.ts'
import type { ConnectTools } from './connect-call.ts'
import type { DialRule } from './dialable-address.ts'
import { proxyTo } from './http-proxy.ts'
import type { KubeletCredentials } from './kubelet-connection.ts'
import { readyEndpoints, servicePortOf } from './service-endpoints.ts'

export interface ProxyTools extends ConnectTools {
  readonly random: Random
  readonly credentials: () => KubeletCredentials
  readonly rule: DialRule
}

/** `[scheme:]name[:port]`, as names are written in front of `/proxy`. */
interface ProxyName {
  scheme: 'http' | 'https'
  name: string
  port: string
}

/** @throws StatusError BadRequest */
export function proxyName(text: string): ProxyName {
  const parts = text.split(':')
  const [first = '', second = '', third = ''] = parts
  if (parts.length === 1) return { scheme: 'http', name: first, port: '' }
  if (parts.length === 2) return { scheme: 'http', name: first, port: second }
  if (parts.length === 3 && (first === 'http' || first === 'https' || first === '')) {
    return { scheme: first === 'https' ? 'https' : 'http', name: second, port: third }
  }
  throw new StatusError('BadRequest', `invalid proxy name ${JSON.stringify(text)}: expected [scheme:]name[:port]`)
}

/** `services/proxy`: one of the Service's ready endpoints, dialled directly. */
export async function serviceProxy(call: Call, { reader, random, rule }: ProxyTools, scope: StreamScope): Promise<void> {
  const { namespace } = call.info
  const { scheme, name, port } = proxyName(call.info.name)
  const service = reader.get('v1', 'Service', { namespace, name })
  if (!service) throw new StatusError('NotFound', `services ${JSON.stringify(name)} not found`, { details: { name, kind: 'services' } })
  const servicePort = servicePortOf(service, port)
  if (!servicePort)
    throw new StatusError('ServiceUnavailable', `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`)
  const endpoints = readyEndpoints(reader, namespace, name, servicePort.name ?? '')
  const chosen = endpoints[Math.floor(random.fraction() * endpoints.length)]
  if (!chosen) throw new StatusError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`)
  await proxyTo({ scheme, host: chosen.host, port: chosen.port }, call, { rule, scope })
}

/** `pods/proxy`: the pod's own address; without a port its first container port. */
export async function podProxy(call: Call, { reader, rule }: ProxyTools, scope: StreamScope): Promise<void> {
  const { namespace } = call.info
  const { scheme, name, port } = proxyName(call.info.name)
  const pod = reader.get('v1', 'Pod', { namespace, name })
  if (!pod) throw new StatusError('NotFound', `pods ${JSON.stringify(name)} not found`, { details: { name, kind: 'pods' } })
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? [])
  const number =
    port === ''
      ? (ports[0]?.containerPort ?? (scheme === 'https' ? 443 : 80))
      : (ports.find((one) => one.name === port)?.containerPort ?? Number(port))
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new StatusError('BadRequest', `address not allowed: port ${JSON.stringify(port)}`)
  const { podIP } = pod.status
  if (!podIP) throw new StatusError('BadRequest', 'address not allowed: the pod has no address')
  await proxyTo({ scheme, host: podIP, port: number }, call, { rule, scope })
}

/** `nodes/proxy`: the kubelet's API, or any other port of the node. */
export async function nodeProxy(call: Call, { kubelets, credentials, rule }: ProxyTools, scope: StreamScope): Promise<void> {
  const { scheme, name, port } = proxyName(call.info.name)
  const address = kubelets.addressOf(name)
  if (port !== '' && Number(port) !== address.port) {
    if (!/^\d{1,5}$/.test(port)) throw new StatusError('BadRequest', `invalid port ${JSON.stringify(port)}`)
    return proxyTo({ scheme, host: address.host, port: Number(port) }, call, { rule, scope })
  }
  const { authority, certificate, key } = credentials()
  // By its name, as in kubelet-connection.ts: whoever has the address now is not yet the node.
  const tls = { ca: authority, cert: certificate, key, servername: address.node }
  await proxyTo({ scheme: 'https', host: address.host, port: address.port, tls }, call, { rule, scope })
}
