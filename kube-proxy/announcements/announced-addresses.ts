import { ANNOUNCED_BY } from '../../shared/addresses/announced-by.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'

/**
 * Pure: the addresses that this node is to answer for: what load balancers gave Services that name this node. Only who may write a Service's
 * status can add one; the annotation alone moves an address, it makes none.
 */
export function announcedAddresses(services: readonly Service[], nodeName: string): Set<string> {
  const addresses = new Set<string>()
  for (const { metadata, spec, status } of services) {
    if (spec.type !== 'LoadBalancer' || metadata.annotations?.[ANNOUNCED_BY] !== nodeName) continue
    for (const { ip, ipMode } of status.loadBalancer.ingress ?? []) {
      if (ip && !ip.includes(':') && ipMode !== 'Proxy') addresses.add(ip)
    }
  }
  return addresses
}
