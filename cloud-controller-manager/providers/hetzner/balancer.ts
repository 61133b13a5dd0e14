import { asRecord, listOf, maybeText, numberOf, partOf, textOf } from './parse.ts'

/** A port of a load balancer. */
export interface BalancerPort {
  readonly listenPort: number
  readonly destinationPort: number
  readonly proxyProtocol: boolean
  readonly health: { readonly protocol: string; readonly port: number; readonly path?: string | undefined }
}

/** A load balancer, as far as Services are about it. */
export interface HetznerBalancer {
  readonly id: number
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly ipv4: string | undefined
  readonly ipv6: string | undefined
  readonly ports: readonly BalancerPort[]
  /** Servers by id, and whether they are reached inside the cluster's network. */
  readonly targets: ReadonlyMap<number, { readonly isPrivate: boolean }>
  readonly algorithm: string
  readonly networks: readonly number[]
}

export function parseBalancer(value: unknown): HetznerBalancer {
  const balancer = asRecord(value)
  const publicNet = partOf(balancer, 'public_net')
  const targets = listOf(balancer['targets'] ?? [], asRecord).flatMap((target) => {
    const server = target['type'] === 'server' ? partOf(target, 'server') : undefined
    return server ? [[numberOf(server, 'id'), { isPrivate: target['use_private_ip'] === true }] as const] : []
  })
  return {
    ...{ id: numberOf(balancer, 'id'), name: textOf(balancer, 'name') },
    labels: Object.fromEntries(Object.entries(partOf(balancer, 'labels') ?? {}).map(([name, text]) => [name, String(text)])),
    ipv4: maybeText(publicNet && partOf(publicNet, 'ipv4'), 'ip'),
    ipv6: maybeText(publicNet && partOf(publicNet, 'ipv6'), 'ip'),
    ports: listOf(balancer['services'] ?? [], parsePort),
    targets: new Map(targets),
    algorithm: maybeText(partOf(balancer, 'algorithm'), 'type') ?? '',
    networks: listOf(balancer['private_net'] ?? [], (each) => numberOf(asRecord(each), 'network')),
  }
}

function parsePort(value: unknown): BalancerPort {
  const port = asRecord(value)
  const health = asRecord(port['health_check'])
  return {
    ...{ listenPort: numberOf(port, 'listen_port'), destinationPort: numberOf(port, 'destination_port') },
    proxyProtocol: port['proxyprotocol'] === true,
    health: {
      ...{ protocol: textOf(health, 'protocol'), port: numberOf(health, 'port') },
      path: health['protocol'] === 'http' ? maybeText(partOf(health, 'http'), 'path') : undefined,
    },
  }
}
