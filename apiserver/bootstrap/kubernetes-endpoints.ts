import { familyOf, type IpFamily } from '../../shared/addresses/ip-families.ts'
import type { EndpointPort, EndpointSubset } from '../../shared/openapi/generated/core-v1.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { sameValue } from '../registry/same-value.ts'
import { type RequiredObject, required, type UnwantedObject } from './ensure.ts'

/** Where an API server can be reached from Pods. */
export interface ServerAddress {
  /** One that nodes and Pods can dial; not loopback. */
  readonly address: string
  readonly port: number
}

/** An object that must exist, and whether it is there as it should be, as far as a reader knows. */
export interface WantedObject {
  readonly object: RequiredObject
  isThere(reader: ObjectReader): boolean
}

const NAMESPACE = 'default'
const NAME = 'kubernetes'
const SLICE = 'discovery.k8s.io/v1'
const SLICE_LABELS = { 'kubernetes.io/service-name': NAME } as const

/** Servers that one slice can name: of one family, on one port. */
interface Group {
  /** Of the slice. */
  readonly name: string
  readonly family: IpFamily
  readonly port: number
  readonly addresses: readonly string[]
}

/** The endpoints of the `kubernetes` Service, which no controller makes because it selects no Pods. */
export function requiredKubernetesEndpoints(servers: readonly ServerAddress[]): WantedObject[] {
  const groups = groupsOf(servers)
  const subsets = groups.map(
    ({ addresses, port }): EndpointSubset => ({ addresses: addresses.map((ip) => ({ ip })), ports: [portOf(port)] }),
  )
  const metadata = { namespace: NAMESPACE, name: NAME, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }
  const endpoints: WantedObject = {
    object: required('v1', 'Endpoints', { metadata, subsets }, (present) =>
      sameValue(present.subsets, subsets) ? undefined : { ...present, subsets },
    ),
    isThere: (reader) => sameValue(reader.get('v1', 'Endpoints', { namespace: NAMESPACE, name: NAME })?.subsets, subsets),
  }
  return [endpoints, ...groups.map(sliceOf)]
}

/** Slices of `kubernetes` that name no server any more. */
export function staleKubernetesSlices(servers: readonly ServerAddress[], reader: ObjectReader): UnwantedObject[] {
  const wanted = new Set(groupsOf(servers).map(({ name }) => name))
  return reader.list(SLICE, 'EndpointSlice', NAMESPACE).flatMap(({ metadata: { name = '' } }) => {
    const isOurs = name === NAME || /^kubernetes-ipv[46]-\d+$/.test(name)
    return isOurs && !wanted.has(name) ? [{ apiVersion: SLICE, kind: 'EndpointSlice', namespace: NAMESPACE, name }] : []
  })
}

function sliceOf({ name, family, port, addresses }: Group): WantedObject {
  const wanted = { endpoints: addresses.map((each) => ({ addresses: [each], conditions: { ready: true } })), ports: [portOf(port)] }
  const isSame = (present: { endpoints?: unknown; ports?: unknown } | undefined) =>
    sameValue({ endpoints: present?.endpoints, ports: present?.ports }, wanted)
  const metadata = { namespace: NAMESPACE, name, labels: { ...SLICE_LABELS } }
  return {
    object: required(SLICE, 'EndpointSlice', { metadata, addressType: family, ...wanted }, (present) => {
      if (present.addressType !== family) return 'remake'
      return isSame(present) ? undefined : { ...present, ...wanted }
    }),
    isThere(reader) {
      const present = reader.get(SLICE, 'EndpointSlice', { namespace: NAMESPACE, name })
      return present?.addressType === family && isSame(present)
    },
  }
}

/** The first is in the slice that is called as the Service is. Servers that listen on one port, as most do, are all in it. */
function groupsOf(servers: readonly ServerAddress[]): Group[] {
  const groups = new Map<string, ServerAddress[]>()
  for (const server of servers) {
    const name = `${NAME}-${familyOf(server.address).toLowerCase()}-${server.port}`
    groups.set(name, [...(groups.get(name) ?? []), server])
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, members], index) => ({
      name: index === 0 ? NAME : name,
      family: familyOf(members[0]!.address),
      port: members[0]!.port,
      addresses: [...new Set(members.map(({ address }) => address))].sort(),
    }))
}

function portOf(port: number): EndpointPort & { name: string } {
  return { name: 'https', port, protocol: 'TCP' }
}
