import type { NodeAddress } from '../../../shared/openapi/generated/core-v1.ts'
import { asRecord, listOf, maybeText, numberOf, partOf, textOf } from './parse.ts'

/** A machine, as far as nodes are about it. */
export interface HetznerServer {
  readonly id: number
  readonly name: string
  /** running, off, starting, stopping, migrating, rebuilding, deleting, initializing, unknown. */
  readonly status: string
  readonly type: string | undefined
  readonly location: string | undefined
  readonly datacenter: string | undefined
  readonly publicIPv4: string | undefined
  readonly privateAddresses: readonly { readonly network: number; readonly ip: string }[]
}

export function parseServer(value: unknown): HetznerServer {
  const server = asRecord(value)
  const datacenter = partOf(server, 'datacenter')
  const location = partOf(server, 'location') ?? (datacenter && partOf(datacenter, 'location'))
  const publicNet = partOf(server, 'public_net')
  return {
    ...{ id: numberOf(server, 'id'), name: textOf(server, 'name'), status: textOf(server, 'status') },
    type: maybeText(partOf(server, 'server_type'), 'name'),
    location: maybeText(location, 'name'),
    datacenter: maybeText(datacenter, 'name'),
    publicIPv4: maybeText(publicNet && partOf(publicNet, 'ipv4'), 'ip'),
    privateAddresses: listOf(server['private_net'] ?? [], (each) => {
      const net = asRecord(each)
      return { network: numberOf(net, 'network'), ip: textOf(net, 'ip') }
    }),
  }
}

/** Pure: the addresses of its node; those of the cluster's network first. */
export function serverAddresses(server: HetznerServer, network: number | undefined): NodeAddress[] {
  const inside = server.privateAddresses.filter((each) => each.network === network)
  return [
    { type: 'Hostname', address: server.name },
    ...inside.map(({ ip }) => ({ type: 'InternalIP', address: ip })),
    ...(server.publicIPv4 === undefined ? [] : [{ type: 'ExternalIP', address: server.publicIPv4 }]),
  ]
}
