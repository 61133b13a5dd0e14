import type { Service } from '../shared/openapi/generated/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import type { DnsRecord, ZoneAnswer } from './records.ts'

/** What the zone reads: always the present, never a copy. */
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
  endpoint: Endpoint
  /** The first label of the endpoint's own name. */
  host: string
  address: string
}

/**
 * Answers for the cluster domain, by the specification of Kubernetes' DNS-based service discovery, schema 1.1.0.
 * Pure: a name and a type in, records out. Names are lower case, without the final dot.
 */
export class Zone {
  readonly #domain: string
  readonly #source: ZoneSource

  constructor(domain: string, source: ZoneSource) {
    this.#domain = domain
    this.#source = source
  }

  answer(name: string, type: string): ZoneAnswer {
    if (name.endsWith('.in-addr.arpa')) return this.#reverse(name, type)
    if (name !== this.#domain && !name.endsWith(`.${this.#domain}`)) return { kind: 'outside' }
    const labels = name === this.#domain ? [] : name.slice(0, -this.#domain.length - 1).split('.')
    if (labels.length === 1 && labels[0] === 'dns-version') {
      return found(type === 'TXT' ? [{ type: 'TXT', name, data: '1.1.0' }] : [])
    }
    const kind = labels.pop()
    const namespace = labels.pop()
    if (kind === undefined) return found([])
    if (kind !== 'svc' && kind !== 'pod') return { kind: 'missing' }
    if (namespace === undefined) return found([])
    if (!this.#source.hasNamespace(namespace)) return { kind: 'missing' }
    if (labels.length === 0) return found([])
    return kind === 'pod' ? pod(name, labels, type) : this.#service(name, namespace, labels, type)
  }

  #service(name: string, namespace: string, labels: string[], type: string): ZoneAnswer {
    const service = this.#source.service(namespace, labels.pop() ?? '')
    if (!service) return { kind: 'missing' }
    const { spec } = service
    if (spec.type === 'ExternalName') {
      if (labels.length > 0) return { kind: 'missing' }
      const target = (spec.externalName ?? '').replace(/\.$/, '').toLowerCase()
      return { kind: 'elsewhere', answers: [{ type: 'CNAME', name, data: target }], target }
    }
    const base = `${service.metadata.name}.${namespace}.svc.${this.#domain}`
    const headless = spec.clusterIP === 'None'
    if (labels.length === 2 && labels[0]?.startsWith('_') && labels[1]?.startsWith('_')) {
      return this.#ports(name, service, base, labels[0].slice(1), labels[1].slice(1), type)
    }
    if (labels.length === 1) {
      const matching = this.#endpoints(service).filter(({ host }) => host === labels[0])
      return matching.length === 0 ? { kind: 'missing' } : found(addresses(name, matching, type))
    }
    if (labels.length > 0) return { kind: 'missing' }
    if (!headless) {
      if (type === 'SRV') return this.#ports(name, service, base, '*', '*', type)
      return found(type === 'A' && spec.clusterIP ? [{ type: 'A', name, data: spec.clusterIP }] : [])
    }
    const endpoints = this.#endpoints(service)
    if (endpoints.length === 0) return { kind: 'missing' }
    if (type === 'SRV') return this.#ports(name, service, base, '*', '*', type)
    return found(addresses(name, endpoints, type))
  }

  /** `_http._tcp.web.default.svc…`: where a named port is. `*` stands for any, as in a query for the Service itself. */
  #ports(name: string, service: Service, base: string, port: string, protocol: string, type: string): ZoneAnswer {
    const fits = (portName: string | undefined, portProtocol: string | undefined) =>
      (port === '*' || portName === port) && (protocol === '*' || (portProtocol ?? 'TCP').toLowerCase() === protocol)
    const answers: DnsRecord[] = []
    const additional: DnsRecord[] = []
    if (service.spec.clusterIP !== 'None') {
      for (const each of service.spec.ports ?? []) {
        if (fits(each.name, each.protocol)) answers.push(srv(name, each.port, base))
      }
      if (answers.length > 0 && service.spec.clusterIP) additional.push({ type: 'A', name: base, data: service.spec.clusterIP })
    } else {
      for (const slice of this.#slicesOf(service)) {
        for (const each of slice.ports ?? []) {
          if (each.port === undefined || !fits(each.name, each.protocol)) continue
          for (const { host, address } of endpointsOf(slice)) {
            answers.push(srv(name, each.port, `${host}.${base}`))
            additional.push({ type: 'A', name: `${host}.${base}`, data: address })
          }
        }
      }
    }
    if (answers.length === 0) return { kind: 'missing' }
    return type === 'SRV' ? { kind: 'found', answers, additional } : found([])
  }

  #reverse(name: string, type: string): ZoneAnswer {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.')
    const service = this.#source.serviceOfAddress(address)
    const names = service ? [`${service.metadata.name}.${service.metadata.namespace}.svc.${this.#domain}`] : this.#endpointNames(address)
    if (names.length === 0) return { kind: 'outside' }
    return found(type === 'PTR' ? names.map((data) => ({ type: 'PTR', name, data })) : [])
  }

  #endpointNames(address: string): string[] {
    return this.#source.slicesOfAddress(address).flatMap((slice) => {
      const service = slice.metadata.labels?.['kubernetes.io/service-name']
      if (service === undefined) return []
      return endpointsOf(slice)
        .filter((each) => each.address === address)
        .map(({ host }) => `${host}.${service}.${slice.metadata.namespace}.svc.${this.#domain}`)
    })
  }

  #slicesOf(service: Service): readonly EndpointSlice[] {
    return this.#source.slices(service.metadata.namespace ?? '', service.metadata.name ?? '')
  }

  #endpoints(service: Service): PortEndpoint[] {
    return this.#slicesOf(service).flatMap(endpointsOf)
  }
}

/** Endpoints to hand out: ready ones (a Service that publishes others has them marked ready). */
function endpointsOf(slice: EndpointSlice): PortEndpoint[] {
  if (slice.addressType !== 'IPv4') return []
  return (slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions.ready !== false)
    .flatMap((endpoint) =>
      endpoint.addresses.map((address) => ({ endpoint, address, host: endpoint.hostname || address.replaceAll('.', '-') })),
    )
}

function addresses(name: string, endpoints: readonly PortEndpoint[], type: string): DnsRecord[] {
  return type === 'A' ? [...new Set(endpoints.map(({ address }) => address))].map((data) => ({ type: 'A', name, data })) : []
}

/** `10-244-1-2.default.pod…` says the address back, whether a pod has it or not (CoreDNS' `pods insecure`, the usual setting). */
function pod(name: string, labels: readonly string[], type: string): ZoneAnswer {
  const address = labels.length === 1 ? labels[0]?.replaceAll('-', '.') : undefined
  if (address === undefined || !/^(\d{1,3})(\.\d{1,3}){3}$/.test(address) || address.split('.').some((part) => Number(part) > 255))
    return { kind: 'missing' }
  return found(type === 'A' ? [{ type: 'A', name, data: address }] : [])
}

function srv(name: string, port: number, target: string): DnsRecord {
  return { type: 'SRV', name, data: { priority: 0, weight: 100, port, target } }
}

function found(answers: DnsRecord[]): ZoneAnswer {
  return { kind: 'found', answers, additional: [] }
}
