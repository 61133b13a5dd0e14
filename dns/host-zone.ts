import { readFileSync } from 'node:fs'
import { parseAddress } from '../shared/addresses/ip-address.ts'
import type { Node } from '../shared/openapi/generated/core-v1.ts'
import { ConfigError } from '../shared/process/config.ts'
import { addressRecords, found, type ZoneAnswer } from './records.ts'
import { Zone, type ZoneSource } from './zone.ts'

/** The name by which a pod reaches the machine that runs the cluster. Nobody can own it outside: `internal` is set aside for private use (ICANN, 2024). */
const HOST_NAME = 'host.coxswain.internal'

/** Says what the name stands for now; undefined where that cannot be known. */
export type HostAddress = () => string | undefined

/** The cluster's zone, and beside it the one name. Reads the address each time: machines move. */
export class HostZone extends Zone {
  readonly #address: HostAddress

  constructor(domain: string, source: ZoneSource, addresses: readonly string[], address: HostAddress) {
    super(domain, source, addresses)
    this.#address = address
  }

  override answer(name: string, type: string): ZoneAnswer {
    if (name !== HOST_NAME) return super.answer(name, type)
    const address = this.#address()
    return address === undefined ? { kind: 'missing' } : found(addressRecords(name, [address], type))
  }
}

/**
 * What `--host-address` means.
 * @param wish an address; `node`: this node's own; `gateway`: of its default route, which is the machine where the node is a container there
 * @param node this node as the API has it
 * @throws ConfigError for anything else
 */
export function hostAddress(wish: string, node: () => Node | undefined, routes = '/proc/net/route'): HostAddress {
  if (wish === 'node') return () => node()?.status.addresses?.find(({ type }) => type === 'InternalIP')?.address
  if (wish === 'gateway') return () => defaultGateway(readFileSync(routes, 'utf8'))
  if (!parseAddress(wish)) throw new ConfigError(`--host-address: ${JSON.stringify(wish)} is neither an address nor node nor gateway`)
  return () => wish
}

/** Pure: the gateway of the first default route, from the kernel's list; its numbers are hexadecimal, the last octet first. */
function defaultGateway(table: string): string | undefined {
  for (const line of table.split('\n')) {
    const [, destination, gateway = ''] = line.split('\t')
    if (destination !== '00000000' || !/^[\dA-F]{8}$/.test(gateway) || gateway === '00000000') continue
    return [6, 4, 2, 0].map((at) => Number.parseInt(gateway.slice(at, at + 2), 16)).join('.')
  }
  return undefined
}
