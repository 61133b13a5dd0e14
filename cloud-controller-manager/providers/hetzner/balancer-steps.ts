import { sameJson } from '../../../shared/objects/same-json.ts'
import type { Service } from '../../../shared/openapi/generated/core-v1.ts'
import { CannotBalance } from '../../provider.ts'
import type { BalancerPort, HetznerBalancer } from './balancer.ts'

/** Annotations of Services that Hetzner's own controller knows, as far as they mean something here. */
const ANNOTATION = 'load-balancer.hetzner.cloud/'
/** By this label load balancers are found again; the one that Hetzner's own controller uses, so that its load balancers are taken over. */
export const UID_LABEL = 'hcloud-ccm/service-uid'

/** What a load balancer is to be. */
export interface WantedBalancer {
  readonly name: string
  readonly uid: string
  readonly type: string
  readonly location: string
  readonly algorithm: string
  readonly ports: readonly BalancerPort[]
  readonly targets: readonly number[]
  /** The network inside which targets are reached; undefined: over their public addresses. */
  readonly network: number | undefined
}

/**
 * Pure: what a Service asks for. The name is made of its uid, as upstream's default is: names are unique in a project, so that a second one
 * cannot come to be. @throws CannotBalance for what these load balancers do not do
 */
export function wantedBalancer(
  service: Service,
  servers: readonly number[],
  defaults: { location: string; network: number | undefined },
): WantedBalancer {
  const { uid = '', annotations = {} } = service.metadata
  const said = (name: string) => annotations[`${ANNOTATION}${name}`] || undefined
  if ((service.spec.loadBalancerSourceRanges ?? []).length > 0) {
    throw new CannotBalance('spec.loadBalancerSourceRanges: load balancers of the Hetzner Cloud do not look at sources')
  }
  const algorithm = said('algorithm-type') ?? 'round_robin'
  if (!['round_robin', 'least_connections'].includes(algorithm)) {
    throw new CannotBalance(
      `annotation ${ANNOTATION}algorithm-type: ${JSON.stringify(algorithm)} is neither round_robin nor least_connections`,
    )
  }
  return {
    ...{ name: nameFor(uid), uid, algorithm },
    ...{ type: said('type') ?? 'lb11', location: said('location') ?? defaults.location },
    ports: portsOf(service, said('uses-proxyprotocol') === 'true'),
    targets: [...new Set(servers)].sort((one, other) => one - other),
    network: defaults.network,
  }
}

/** Upstream's default name: `a` and the uid without its dashes. */
export function nameFor(uid: string): string {
  return `a${uid.replaceAll('-', '')}`.slice(0, 32)
}

export function usesProxyProtocol({ metadata }: Service): boolean {
  return metadata.annotations?.[`${ANNOTATION}uses-proxyprotocol`] === 'true'
}

/** Balancers ask each node for the Service's own health check under policy Local, else whether the node port is open. */
function portsOf({ spec }: Service, proxyProtocol: boolean): BalancerPort[] {
  return (spec.ports ?? []).map(({ port, protocol = 'TCP', nodePort }) => {
    if (protocol !== 'TCP') throw new CannotBalance(`spec.ports: ${port}/${protocol}: load balancers of the Hetzner Cloud lead TCP only`)
    if (!nodePort)
      throw new CannotBalance(`spec.ports: ${port}/${protocol} has no node port, by which load balancers of the Hetzner Cloud reach nodes`)
    const health =
      spec.externalTrafficPolicy === 'Local' && spec.healthCheckNodePort
        ? { protocol: 'http', port: spec.healthCheckNodePort, path: '/healthz' }
        : { protocol: 'tcp', port: nodePort, path: undefined }
    return { listenPort: port, destinationPort: nodePort, proxyProtocol, health }
  })
}

/** One change of a load balancer: the last part of its path, and what is sent there. */
export interface BalancerStep {
  readonly action: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Pure: what leads from what there is to what is wanted. What is not wanted goes first: a port may move, and there are limits. */
export function balancerSteps(wanted: WantedBalancer, present: HetznerBalancer): BalancerStep[] {
  const steps: BalancerStep[] = []
  const add = (action: string, body: Readonly<Record<string, unknown>>) => steps.push({ action, body })
  const isPrivate = wanted.network !== undefined
  if (wanted.network !== undefined && !present.networks.includes(wanted.network)) add('attach_to_network', { network: wanted.network })
  if (present.algorithm !== wanted.algorithm) add('change_algorithm', { type: wanted.algorithm })
  const ports = new Map(wanted.ports.map((port) => [port.listenPort, port]))
  for (const { listenPort } of present.ports) if (!ports.has(listenPort)) add('delete_service', { listen_port: listenPort })
  for (const port of wanted.ports) {
    const before = present.ports.find(({ listenPort }) => listenPort === port.listenPort)
    if (!before) add('add_service', portBody(port))
    else if (!sameJson(before, port)) add('update_service', portBody(port))
  }
  const targets = new Set(wanted.targets)
  for (const [id, target] of present.targets) {
    if (!targets.has(id) || target.isPrivate !== isPrivate) add('remove_target', { type: 'server', server: { id } })
  }
  for (const id of wanted.targets) {
    if (present.targets.get(id)?.isPrivate !== isPrivate) add('add_target', targetBody(id, isPrivate))
  }
  return steps
}

/** Pure: the same as one request, for a load balancer that is not there yet. */
export function creation(wanted: WantedBalancer): Readonly<Record<string, unknown>> {
  return {
    ...{ name: wanted.name, load_balancer_type: wanted.type, location: wanted.location, algorithm: { type: wanted.algorithm } },
    labels: { [UID_LABEL]: wanted.uid },
    ...(wanted.network === undefined ? {} : { network: wanted.network }),
    services: wanted.ports.map(portBody),
    targets: wanted.targets.map((id) => targetBody(id, wanted.network !== undefined)),
  }
}

const targetBody = (id: number, isPrivate: boolean) => ({ type: 'server', server: { id }, use_private_ip: isPrivate })

function portBody({ listenPort, destinationPort, proxyProtocol, health }: BalancerPort): Readonly<Record<string, unknown>> {
  const http =
    health.protocol === 'http' ? { http: { domain: '', path: health.path, response: '', tls: false, status_codes: ['200'] } } : {}
  return {
    ...{ protocol: 'tcp', listen_port: listenPort, destination_port: destinationPort, proxyprotocol: proxyProtocol },
    health_check: { protocol: health.protocol, port: health.port, interval: 15, timeout: 10, retries: 3, ...http },
  }
}
