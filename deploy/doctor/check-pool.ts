import ipaddr from 'ipaddr.js'
import { findContainers } from '../hosts.ts'
import type { Settings } from '../settings.ts'
import { overlap } from './check-ranges.ts'
import { type Finding, good } from './finding.ts'

/** The addresses for load balancers: they must be the hosts' network's, and no host's. */
export async function checkPool(settings: Settings): Promise<Finding[]> {
  const { loadBalancerPool: pool, subnet } = settings
  const bad = (text: string): Finding[] => [
    { state: 'failed', text, cure: 'set COXSWAIN_LOAD_BALANCER_POOL in .env to the upper end of COXSWAIN_SUBNET, or leave it out' },
  ]
  // What is wrong with the subnet itself is said where ranges are looked at.
  if (!ipaddr.IPv4.isValidCIDR(subnet)) return []
  if (!ipaddr.IPv4.isValidCIDR(pool)) return bad(`COXSWAIN_LOAD_BALANCER_POOL is ${JSON.stringify(pool)}, not an IPv4 range`)
  if (!isInside(pool, subnet))
    return bad(`the addresses for load balancers (${pool}) are not in the hosts' network (${subnet}): nothing would reach them`)
  const containers = await findContainers(settings).catch(() => [])
  const inPool = containers.filter(({ address }) => address !== '' && overlap(`${address}/32`, pool))
  if (inPool.length > 0)
    return bad(`${inPool.map(({ name, address }) => `${name} has ${address}`).join(', ')}: an address for load balancers (${pool})`)
  return [good(`addresses for load balancers: ${pool} of ${subnet}`)]
}

/** Whether the first range lies in the second, its broadcast address apart. */
function isInside(inner: string, outer: string): boolean {
  const [address, bits] = ipaddr.IPv4.parseCIDR(inner)
  const [network, outerBits] = ipaddr.IPv4.parseCIDR(outer)
  return bits > outerBits && address.match(network, outerBits)
}
