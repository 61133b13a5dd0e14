import type { Service, ServicePort } from '../../shared/openapi/generated/core-v1.ts'
import { spelling } from './spelling.ts'

/** Each external address and the field that names it. What a load balancer gave counts as long as the Service wants one. */
export function externalAddressesOf({ spec, status }: Service): { path: string; text: string }[] {
  const named = (spec.externalIPs ?? []).map((text, index) => ({ path: `spec.externalIPs[${index}]`, text }))
  const ingress = spec.type === 'LoadBalancer' ? (status.loadBalancer.ingress ?? []) : []
  const given = ingress.flatMap(({ ip }, index) => (ip ? { path: `status.loadBalancer.ingress[${index}].ip`, text: ip } : []))
  return [...named, ...given]
}

/** Each external address with each port. */
export function doorsOf(service: Service): string[] {
  return externalAddressesOf(service).flatMap(({ text }) => (service.spec.ports ?? []).map((port) => `${spelling(text)} ${portKey(port)}`))
}

export const portKey = ({ port, protocol = 'TCP' }: ServicePort) => `${port}/${protocol}`
