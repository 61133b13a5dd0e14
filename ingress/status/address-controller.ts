import { isIP } from 'node:net'
import { defineController } from '../../shared/controller/define-controller.ts'
import { objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Ingress, IngressLoadBalancerIngress } from '../../shared/openapi/generated/networking-v1.ts'
import { servedIngresses } from '../routing/served-ingresses.ts'

export interface PublishedAt {
  /** Addresses and names. */
  readonly addresses: readonly string[]
  readonly httpPort: number
  readonly httpsPort: number
}

/** Writes into the status of each Ingress of ours where it is served. The status of others is others' business. */
export const addressController = defineController<PublishedAt>({
  name: 'ingress-address',
  reconciles: ['networking.k8s.io/v1', 'Ingress'],
  workers: 1,
  create({ informers, client }, published) {
    const ingresses = informers.of('networking.k8s.io/v1', 'Ingress').cache
    const classes = informers.of('networking.k8s.io/v1', 'IngressClass')
    return {
      watch(mark) {
        classes.onChange(() => {
          for (const ingress of ingresses.list()) mark(objectKey(ingress))
        })
      },
      async reconcile(key) {
        const ingress = ingresses.get(key)
        if (!ingress || servedIngresses([ingress], classes.cache.list()).length === 0) return
        const wanted = pointsOf(ingress, published)
        if (sameJson(ingress.status.loadBalancer.ingress ?? [], wanted)) return
        const next = { ...structuredClone(ingress), status: { loadBalancer: { ingress: wanted } } }
        await client.updateStatus('networking.k8s.io/v1', 'Ingress', next)
      },
    }
  },
})

function pointsOf({ spec }: Ingress, { addresses, httpPort, httpsPort }: PublishedAt): IngressLoadBalancerIngress[] {
  const ports = [httpPort, ...(spec.tls?.length ? [httpsPort] : [])].map((port) => ({ port, protocol: 'TCP' }))
  return addresses.map((address) => ({ ...(isIP(address) ? { ip: address } : { hostname: address }), ports }))
}
