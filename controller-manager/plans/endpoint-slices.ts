import { familyOf, type IpFamily, ofFamily } from '../../shared/addresses/ip-families.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Node, Pod, Service, ServicePort } from '../../shared/openapi/generated/core-v1.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { isReady } from '../pods/pod-facts.ts'

/** Endpoints in one slice (upstream's default `--max-endpoints-per-slice`). */
export const ENDPOINTS_PER_SLICE = 100

/** What a slice holds apart from its name. */
export interface SliceContent {
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

/** The address of the family that the kubelet said the pod has. */
function addressOf({ status }: Pod, family: IpFamily): string | undefined {
  const all = status.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status.podIP ?? '']
  return ofFamily(
    family,
    all.filter((text) => text !== ''),
  )
}

/** Families that a Service has slices of: an empty one too, by which one can tell that somebody looked. */
export function familiesOfSlices({ spec }: Service): IpFamily[] {
  const families = (spec.ipFamilies ?? []).filter((family) => family === 'IPv4' || family === 'IPv6')
  return families.length > 0 ? families : [familyOf(spec.clusterIP ?? '')]
}

/** Pods that are endpoints: with an address of the family, not finished. Pure. */
export function endpointsOf(
  service: Service,
  pods: readonly Pod[],
  zoneOf: (nodeName: string) => string | undefined,
  family: IpFamily = 'IPv4',
): { pod: Pod; endpoint: Endpoint }[] {
  return pods
    .filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed')
    .flatMap((pod) => {
      const address = addressOf(pod, family)
      return address === undefined ? [] : [{ pod, endpoint: endpointOf(service, pod, address, zoneOf) }]
    })
    .sort((left, right) => (keyOf(left.endpoint) < keyOf(right.endpoint) ? -1 : 1))
}

function endpointOf(service: Service, pod: Pod, address: string, zoneOf: (nodeName: string) => string | undefined): Endpoint {
  const serving = isReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const tolerant = service.spec.publishNotReadyAddresses === true
  const { hostname, subdomain, nodeName } = pod.spec
  const zone = nodeName === undefined ? undefined : zoneOf(nodeName)
  return {
    addresses: [address],
    conditions: { ready: tolerant || (serving && !terminating), serving: tolerant || serving, terminating },
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
    ...hintsOf(service, tolerant || (serving && !terminating), nodeName, zone),
  }
}

/**
 * Whose clients should use an endpoint (KEP-4444, KEP-3015): those of its zone, and with `PreferSameNode` rather those of its node. Only ready ones
 * have hints; proxies follow them when all ready ones do.
 */
function hintsOf({ spec }: Service, ready: boolean, node: string | undefined, zone: string | undefined): Pick<Endpoint, 'hints'> {
  const wish = spec.trafficDistribution
  if (!ready || (wish !== 'PreferClose' && wish !== 'PreferSameZone' && wish !== 'PreferSameNode')) return {}
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] }
  const forNodes = wish !== 'PreferSameNode' || node === undefined ? {} : { forNodes: [{ name: node }] }
  return 'forZones' in forZones || 'forNodes' in forNodes ? { hints: { ...forZones, ...forNodes } } : {}
}

/** The container port behind a Service port for one pod; undefined when the pod has no port of that name. */
export function targetPort(port: ServicePort, pod: Pod): number | undefined {
  if (typeof port.targetPort === 'number' && port.targetPort !== 0) return port.targetPort
  if (typeof port.targetPort === 'string' && port.targetPort !== '') {
    const containers = [
      ...pod.spec.containers,
      ...(pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
    ]
    return containers
      .flatMap((container) => container.ports ?? [])
      .find((each) => each.name === port.targetPort && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.containerPort
  }
  return port.port
}

/** Groups endpoints by the ports their pods offer (named ports may differ from pod to pod). */
export function groupByPorts(service: Service, endpoints: readonly { pod: Pod; endpoint: Endpoint }[]): SliceContent[] {
  const groups = new Map<string, SliceContent>()
  for (const { pod, endpoint } of endpoints) {
    const ports = (service.spec.ports ?? []).flatMap((port): EndpointPort[] => {
      const number = targetPort(port, pod)
      if (number === undefined) return []
      return [
        {
          name: port.name ?? '',
          protocol: port.protocol ?? 'TCP',
          port: number,
          ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
        },
      ]
    })
    const key = JSON.stringify(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(endpoint)
    groups.set(key, group)
  }
  return [...groups.values()]
}

export interface SlicePlan {
  create: SliceContent[]
  update: { slice: EndpointSlice; content: SliceContent }[]
  remove: EndpointSlice[]
}

/**
 * Fits the wanted endpoints into the slices that exist with few writes: an endpoint stays in its slice, new ones fill
 * the slices that change anyway, then those with room, then new slices. A Service without endpoints has one empty slice, by which
 * one can tell that somebody looked. Slices with other labels than these are updated too. Pure.
 */
export function planSlices(
  wanted: readonly SliceContent[],
  existing: readonly EndpointSlice[],
  labels: Readonly<Record<string, string>>,
): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] }
  if (wanted.length === 0) return onlyEmpty(existing, labels)
  const left = new Set(existing)
  for (const group of wanted) {
    const same = [...left].filter((slice) => sameJson(slice.ports ?? [], group.ports))
    for (const slice of same) left.delete(slice)
    fit(group, same, labels, plan)
  }
  plan.remove.push(...left)
  return plan
}

function onlyEmpty(existing: readonly EndpointSlice[], labels: Readonly<Record<string, string>>): SlicePlan {
  const content: SliceContent = { ports: [], endpoints: [] }
  const [kept, ...others] = existing
  if (!kept) return { create: [content], update: [], remove: [] }
  const isEmpty = (kept.ports ?? []).length === 0 && (kept.endpoints ?? []).length === 0
  const same = isEmpty && sameJson(kept.metadata.labels, labels)
  return { create: [], update: same ? [] : [{ slice: kept, content }], remove: others }
}

function fit(group: SliceContent, slices: readonly EndpointSlice[], labels: Readonly<Record<string, string>>, plan: SlicePlan): void {
  const pending = new Map(group.endpoints.map((endpoint) => [keyOf(endpoint), endpoint]))
  const kept = slices.map((slice) => {
    const endpoints = (slice.endpoints ?? []).flatMap((endpoint) => {
      const now = pending.get(keyOf(endpoint))
      pending.delete(keyOf(endpoint))
      return now ? [now] : []
    })
    return { slice, endpoints }
  })
  const changed = (each: (typeof kept)[number]) =>
    !sameJson(each.endpoints, each.slice.endpoints ?? []) || !sameJson(each.slice.metadata.labels, labels)
  const places = [
    ...kept.filter(changed),
    ...kept.filter((each) => !changed(each)).sort((one, two) => two.endpoints.length - one.endpoints.length),
  ]
  const additions = [...pending.values()]
  for (const place of places) {
    const room = Math.max(ENDPOINTS_PER_SLICE - place.endpoints.length, 0)
    place.endpoints.push(...additions.splice(0, room))
  }
  while (additions.length > 0) plan.create.push({ ports: group.ports, endpoints: additions.splice(0, ENDPOINTS_PER_SLICE) })
  for (const place of kept) {
    if (place.endpoints.length === 0) plan.remove.push(place.slice)
    else if (changed(place)) plan.update.push({ slice: place.slice, content: { ports: group.ports, endpoints: place.endpoints } })
  }
}

function keyOf(endpoint: Endpoint): string {
  return `${endpoint.addresses[0]} ${endpoint.targetRef?.uid ?? ''}`
}

/** A node's zone, from its label. */
export function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata.labels?.['topology.kubernetes.io/zone']
}
