import { canonicalAddress } from '../shared/addresses/ip-address.ts'
import type { Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { addressRecords, type DnsRecord, found, TIME_TO_LIVE, type ZoneAnswer } from './records.ts'
import { reversedAddress } from './reverse-name.ts'

/** What the zone reads: always the present, never a copy. Addresses are spelled as `canonicalAddress` does. */
export interface ZoneSource {
  service(namespace: string, name: string): Service | undefined
  slices(namespace: string, name: string): readonly EndpointSlice[]
  /** The Service with this cluster IP. */
  serviceOfAddress(address: string): Service | undefined
  /** Slices that have an endpoint with this address. */
  slicesOfAddress(address: string): readonly EndpointSlice[]
  hasNamespace(name: string): boolean
}

interface PortEndpoint {
  /** The first label of the endpoint's own name. */
  host: string
  address: string
}

/** Version of the schema, at `dns-version.<domain>`. */
const SCHEMA = '1.1.0'
const MISSING: ZoneAnswer = { kind: 'missing' }

/**
 * Answers for the cluster domain, by the specification of Kubernetes' DNS-based service discovery, schema 1.1.0; where it is silent, as CoreDNS'
 * `kubernetes` plug-in does. Pure: a name and a type in, records out. Names are lower case, without the final dot.
 */
export class Zone {
  readonly #domain: string
  readonly #source: ZoneSource
  readonly #addresses: readonly string[]

  /** @param addresses where this server answers: what its own name (`ns.dns.<domain>`) resolves to */
  constructor(domain: string, source: ZoneSource, addresses: readonly string[] = []) {
    this.#domain = domain.toLowerCase()
    this.#source = source
    this.#addresses = addresses
  }

  answer(name: string, type: string): ZoneAnswer {
    if (name.endsWith('.arpa')) return this.#reverse(name, type)
    if (name === this.#domain) return found(this.#apex(type))
    if (!name.endsWith(this.#domain) || name[name.length - this.#domain.length - 1] !== '.') return { kind: 'outside' }
    const labels = name.slice(0, -this.#domain.length - 1).split('.')
    const kind = labels.pop()
    if (kind === 'dns-version' && labels.length === 0) return found(type === 'TXT' ? [{ type: 'TXT', name, data: SCHEMA }] : [])
    if (kind === 'dns') return this.#ownName(name, labels, type)
    if (kind !== 'svc' && kind !== 'pod') return MISSING
    const namespace = labels.pop()
    if (namespace === undefined) return found([])
    if (!this.#source.hasNamespace(namespace)) return MISSING
    if (labels.length === 0) return found([])
    return kind === 'pod' ? pod(name, labels, type) : this.#service(name, namespace, labels, type)
  }

  /** What an answer without records carries: without it a resolver may not keep the news that there is nothing (RFC 2308). */
  startOfAuthority(): DnsRecord {
    const domain = this.#domain
    const times = [1, 7_200, 1_800, 86_400, TIME_TO_LIVE]
    return { type: 'SOA', name: domain, data: { primary: `ns.dns.${domain}`, mailbox: `hostmaster.${domain}`, times } }
  }

  #apex(type: string): DnsRecord[] {
    if (type === 'SOA') return [this.startOfAuthority()]
    return type === 'NS' ? [{ type: 'NS', name: this.#domain, data: `ns.dns.${this.#domain}` }] : []
  }

  #ownName(name: string, labels: readonly string[], type: string): ZoneAnswer {
    if (labels.length === 0) return found([])
    return labels.length === 1 && labels[0] === 'ns' ? found(addressRecords(name, this.#addresses, type)) : MISSING
  }

  #service(name: string, namespace: string, labels: string[], type: string): ZoneAnswer {
    const service = this.#source.service(namespace, labels.pop() ?? '')
    if (!service) return MISSING
    const { spec } = service
    if (spec.type === 'ExternalName') {
      if (labels.length > 0) return MISSING
      const target = (spec.externalName ?? '').replace(/\.$/, '').toLowerCase()
      return { kind: 'elsewhere', answers: [{ type: 'CNAME', name, data: target }], target }
    }
    const [first, second] = labels
    if (labels.length === 0) return this.#itself(name, service, type)
    if (labels.length === 1 && first !== undefined) return this.#endpoint(name, service, first, type)
    if (labels.length === 2 && first?.startsWith('_') && second?.startsWith('_'))
      return this.#ports(name, service, type, { port: first.slice(1), protocol: second.slice(1) })
    return MISSING
  }

  #itself(name: string, service: Service, type: string): ZoneAnswer {
    if (!isHeadless(service)) {
      return type === 'SRV' ? this.#ports(name, service, type) : found(addressRecords(name, clusterIps(service), type))
    }
    const endpoints = this.#slicesOf(service).flatMap(endpointsOf)
    if (endpoints.length === 0) return MISSING
    if (type === 'SRV') return this.#ports(name, service, type)
    return found(addressRecords(name, addressesIn(endpoints), type))
  }

  /** `db-0.db.default.svc…`: one endpoint by its host name, or by its address with dashes. */
  #endpoint(name: string, service: Service, host: string, type: string): ZoneAnswer {
    const matching = this.#slicesOf(service)
      .flatMap(endpointsOf)
      .filter((each) => each.host === host)
    if (matching.length > 0) return found(addressRecords(name, addressesIn(matching), type))
    // `_tcp.web…` has names below it, and so exists (RFC 8020).
    const hasPorts = host.startsWith('_') && this.#portsOf(service, { protocol: host.slice(1) }).length > 0
    return hasPorts ? found([]) : MISSING
  }

  /** `_http._tcp.web.default.svc…`: where a named port is; without `which` all ports, as in a query for the Service itself. */
  #ports(name: string, service: Service, type: string, which: PortChoice = {}): ZoneAnswer {
    const ports = this.#portsOf(service, which)
    if (ports.length === 0) return which.port === undefined ? found([]) : MISSING
    if (type !== 'SRV') return found([])
    const base = this.#nameOf(service.metadata.name, service.metadata.namespace)
    const answers = new Map<string, DnsRecord>()
    const additional = new Map<string, DnsRecord>()
    for (const { port, host, address } of ports) {
      const target = host === undefined ? base : `${host}.${base}`
      answers.set(`${port} ${target}`, { type: 'SRV', name, data: { priority: 0, weight: 100, port, target } })
      for (const each of address) additional.set(`${target} ${each}`, addressRecords(target, [each], 'ANY')[0]!)
    }
    return found([...answers.values()], [...additional.values()])
  }

  /** Ports with where they are: of the Service by its cluster IPs, of a headless one by each endpoint. */
  #portsOf(service: Service, { port, protocol }: PortChoice): { port: number; host?: string; address: readonly string[] }[] {
    const fits = (each: { name?: string | undefined; protocol?: string | undefined }) =>
      (port === undefined || each.name?.toLowerCase() === port) &&
      (protocol === undefined || (each.protocol ?? 'TCP').toLowerCase() === protocol)
    if (!isHeadless(service))
      return (service.spec.ports ?? []).filter(fits).map((each) => ({ port: each.port, address: clusterIps(service) }))
    return this.#slicesOf(service).flatMap((slice) => {
      const ports = (slice.ports ?? []).filter((each) => each.port !== undefined && fits(each))
      return endpointsOf(slice).flatMap(({ host, address }) => ports.map((each) => ({ port: each.port ?? 0, host, address: [address] })))
    })
  }

  #reverse(name: string, type: string): ZoneAnswer {
    const address = reversedAddress(name)
    if (address === undefined) return { kind: 'outside' }
    const service = this.#source.serviceOfAddress(address)
    const names = service ? [this.#nameOf(service.metadata.name, service.metadata.namespace)] : this.#endpointNames(address)
    if (names.length === 0) return { kind: 'outside' }
    const asked = type === 'PTR' || type === 'ANY'
    return found(asked ? [...new Set(names)].map((data) => ({ type: 'PTR', name, data })) : [])
  }

  #endpointNames(address: string): string[] {
    return this.#source.slicesOfAddress(address).flatMap((slice) => {
      const service = slice.metadata.labels?.['kubernetes.io/service-name']
      if (service === undefined) return []
      return endpointsOf(slice)
        .filter((each) => each.address === address)
        .map(({ host }) => `${host}.${this.#nameOf(service, slice.metadata.namespace)}`)
    })
  }

  #nameOf(service: string | undefined, namespace: string | undefined): string {
    return `${service}.${namespace}.svc.${this.#domain}`
  }

  #slicesOf(service: Service): readonly EndpointSlice[] {
    return this.#source.slices(service.metadata.namespace ?? '', service.metadata.name ?? '')
  }
}

/** Names of a port and a protocol, lower case; absent: any. */
interface PortChoice {
  port?: string
  protocol?: string
}

function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === 'None'
}

function clusterIps({ spec }: Service): readonly string[] {
  return spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
}

/** Endpoints to hand out: ready ones (a Service that publishes others has them marked ready). */
function endpointsOf(slice: EndpointSlice): PortEndpoint[] {
  if (slice.addressType !== 'IPv4' && slice.addressType !== 'IPv6') return []
  return (slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions.ready !== false)
    .flatMap(({ addresses, hostname }) => addresses.map((address) => ({ address, host: hostname || address.replaceAll(/[.:]/g, '-') })))
}

function addressesIn(endpoints: readonly PortEndpoint[]): string[] {
  return endpoints.map(({ address }) => address)
}

/** `10-244-1-2.default.pod…` says the address back, whether a pod has it or not (CoreDNS' `pods insecure`, the usual setting). */
function pod(name: string, labels: readonly string[], type: string): ZoneAnswer {
  const [label] = labels
  if (labels.length !== 1 || label === undefined) return MISSING
  const isIpv4 = /^\d+-\d+-\d+-\d+$/.test(label)
  const address = canonicalAddress(label.replaceAll('-', isIpv4 ? '.' : ':'))
  return address === undefined ? MISSING : found(addressRecords(name, [address], type))
}
