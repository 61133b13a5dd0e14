import { objectKey } from '../../../shared/objects/object.ts'
import type { Service } from '../../../shared/openapi/generated/core-v1.ts'
import type { AddressPool } from './address-pool.ts'

/** Services with the same value of this annotation may have one address, where no port is wanted twice and each of them is reached through any node. */
export const SHARING_KEY = 'coxswain.io/shared-address'

/** A Service and the addresses that lead to it, or soon will. */
export interface Holding {
  readonly service: Service
  readonly addresses: readonly string[]
}

/** An address, or why there is none, in a sentence for the Service's owner. */
export type AddressChoice = { readonly address: string } | { readonly problem: string }

/**
 * Pure: the address of a Service. One that it has stays, unless it is not of the pool (any more), another one is asked for, or it is an
 * older Service's.
 * @param holdings of all Services, this one too
 * @param barred addresses that the API server let nobody have
 */
export function chooseAddress(
  service: Service,
  holdings: readonly Holding[],
  pool: AddressPool,
  barred: { has(address: string): boolean } = new Set(),
): AddressChoice {
  if (pool.isEmpty)
    return { problem: 'there are no addresses for load balancers here: start the cloud controller manager with --load-balancer-pool' }
  if (!(service.spec.ipFamilies ?? ['IPv4']).includes('IPv4')) return { problem: 'there are only IPv4 addresses for load balancers here' }
  const key = objectKey(service)
  const holders = new Map<string, Service[]>()
  for (const { service: other, addresses } of holdings) {
    if (objectKey(other) === key) continue
    for (const address of addresses) holders.set(address, [...(holders.get(address) ?? []), other])
  }
  const rivals = (address: string) => (holders.get(address) ?? []).filter((other) => !mayShare(service, other))
  const requested = service.spec.loadBalancerIP
  if (requested) {
    if (!pool.holds(requested))
      return { problem: `spec.loadBalancerIP: ${requested} is not one of the addresses for load balancers (${pool})` }
    if (barred.has(requested))
      return { problem: `spec.loadBalancerIP: ${requested} is the cluster's own, or a node's, or another Service's` }
    const [rival] = rivals(requested).filter((other) => !isOlder(service, other) || !has(holdings, key, requested))
    return rival ? { problem: `spec.loadBalancerIP: ${requested} leads to the Service ${objectKey(rival)}` } : { address: requested }
  }
  const present = holdings.find(({ service: own }) => objectKey(own) === key)?.addresses ?? []
  for (const address of present) {
    if (pool.holds(address) && rivals(address).every((other) => isOlder(service, other))) return { address }
  }
  const shared = service.metadata.annotations?.[SHARING_KEY] === undefined ? undefined : sharedAddress()
  const address = shared ?? pool.firstFree((each) => holders.has(each) || barred.has(each))
  return address
    ? { address }
    : { problem: `all addresses for load balancers (${pool}) are in use; this one gets the next that becomes free` }

  function sharedAddress(): string | undefined {
    return [...holders.keys()].filter((each) => pool.holds(each) && rivals(each).length === 0).sort()[0]
  }
}

function has(holdings: readonly Holding[], key: string, address: string): boolean {
  return holdings.some(({ service, addresses }) => objectKey(service) === key && addresses.includes(address))
}

/** Whether two Services may have one address: both ask for it, no port is wanted twice, and neither must be announced where its own Pods are. */
function mayShare(one: Service, other: Service): boolean {
  const [mine, theirs] = [one, other].map(({ metadata }) => metadata.annotations?.[SHARING_KEY])
  if (mine === undefined || mine !== theirs) return false
  if ([one, other].some(({ spec }) => spec.externalTrafficPolicy === 'Local')) return false
  const ports = new Set(portsOf(one))
  return !portsOf(other).some((port) => ports.has(port))
}

function portsOf({ spec }: Service): string[] {
  return (spec.ports ?? []).map(({ protocol = 'TCP', port }) => `${port}/${protocol}`)
}

function isOlder(one: Service, other: Service): boolean {
  const age = ({ metadata }: Service) => `${metadata.creationTimestamp} ${metadata.uid}`
  return age(one) < age(other)
}
