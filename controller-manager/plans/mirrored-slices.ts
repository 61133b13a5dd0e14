import { isIPv4 } from 'node:net'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { EndpointAddress, EndpointSubset, Endpoints } from '../../shared/openapi/generated/core-v1.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'

export const SERVICE_NAME = 'kubernetes.io/service-name'
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
export const MIRRORER = 'endpointslicemirroring-controller.k8s.io'

/** Addresses of one subset that are mirrored (upstream's default `--mirroring-max-endpoints-per-subset`); the most a slice may hold. */
export const MOST_ADDRESSES = 1_000
const SKIP = 'endpointslice.kubernetes.io/skip-mirror'
/** Locks of old clients were Endpoints too: nobody connects to them, and they change every few seconds. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader'
/** Of the Endpoints alone: they would change the slices at each change of the other. */
const OWN_ANNOTATIONS: readonly string[] = [
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
]

/** What a mirrored slice says apart from its name and owner. */
export interface MirrorContent {
  labels: Record<string, string>
  annotations: Record<string, string>
  addressType: 'IPv4' | 'IPv6'
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

export interface MirrorPlan {
  readonly create: MirrorContent[]
  readonly update: { readonly slice: EndpointSlice; readonly content: MirrorContent }[]
  readonly remove: EndpointSlice[]
  /** Addresses beyond what is mirrored. */
  readonly skipped: number
}

/** Whether somebody made these for a Service to use; upstream's rule. Pure. */
export function isMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[SKIP] !== 'true' && metadata.annotations?.[LEADER] === undefined
}

/** One slice for each set of ports and family of addresses: what is missing, what says something else, what is too many. Pure. */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorPlan {
  const { wanted, skipped } = contentsOf(endpoints)
  const plan = { create: [] as MirrorContent[], update: [] as { slice: EndpointSlice; content: MirrorContent }[], skipped }
  const left = new Set(existing)
  for (const content of wanted) {
    const same = [...left].find((slice) => slice.addressType === content.addressType && sameJson(slice.ports ?? [], content.ports))
    if (!same) plan.create.push(content)
    else {
      left.delete(same)
      if (!says(same, content)) plan.update.push({ slice: same, content })
    }
  }
  return { ...plan, remove: [...left] }
}

function contentsOf({ metadata, subsets = [] }: Endpoints): { wanted: MirrorContent[]; skipped: number } {
  const labels = { ...metadata.labels, [SERVICE_NAME]: metadata.name ?? '', [MANAGED_BY]: MIRRORER }
  const annotations = Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !OWN_ANNOTATIONS.includes(name)))
  const groups = new Map<string, MirrorContent & { byAddress: Map<string, Endpoint> }>()
  let skipped = 0
  for (const subset of subsets) {
    const ports = portsOf(subset)
    const all = [
      ...(subset.addresses ?? []).map((address) => endpointOf(address, true)),
      ...(subset.notReadyAddresses ?? []).map((address) => endpointOf(address, false)),
    ]
    for (const endpoint of all) {
      const address = endpoint.addresses[0] ?? ''
      const addressType = isIPv4(address) ? 'IPv4' : 'IPv6'
      const key = JSON.stringify([addressType, ports])
      const group = groups.get(key) ?? { labels, annotations, addressType, ports, endpoints: [], byAddress: new Map<string, Endpoint>() }
      groups.set(key, group)
      const identity = `${address} ${endpoint.targetRef?.uid ?? ''}`
      if (group.byAddress.has(identity)) continue
      if (group.byAddress.size >= MOST_ADDRESSES) skipped += 1
      else group.byAddress.set(identity, endpoint)
    }
  }
  const wanted = Array.from(groups.values(), ({ byAddress, ...content }) => ({ ...content, endpoints: [...byAddress.values()] }))
  return { wanted, skipped }
}

function portsOf({ ports = [] }: EndpointSubset): EndpointPort[] {
  return ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    ...{ name, port, protocol },
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }))
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  }
}

function says(slice: EndpointSlice, content: MirrorContent): boolean {
  const { labels = {}, annotations = {} } = slice.metadata
  return (
    sameJson(slice.endpoints ?? [], content.endpoints) && sameJson(labels, content.labels) && sameJson(annotations, content.annotations)
  )
}
