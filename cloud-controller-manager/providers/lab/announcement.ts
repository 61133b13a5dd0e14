import { ANNOUNCED_BY } from '../../../shared/addresses/announced-by.ts'
import { objectKey } from '../../../shared/objects/object.ts'
import type { Service } from '../../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../../shared/openapi/generated/discovery-v1.ts'
import { defineCloudController } from '../../cloud-controller.ts'
import { balancedHosts } from '../../plans/balancer-plan.ts'
import type { AddressPool } from './address-pool.ts'
import { chooseHolder } from './holder.ts'
import { NodeLiveness } from './node-liveness.ts'

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
/** How often it is looked at who lives: silence makes no event. */
const LOOK_EVERY = 1_000

/**
 * Says which node announces a Service's address on the link (answers for it by ARP), in the Service's annotation, where that node's kube-proxy
 * sees it. One worker: how many addresses a node has is counted from one decision to the next.
 */
export const announcement = (pool: AddressPool) =>
  defineCloudController({
    name: 'announcement',
    serviceAccount: 'service-controller',
    reconciles: ['v1', 'Service'],
    workers: 1,
    create({ informers, client, clock, events, signal }, { config }) {
      const byAddress = { address: (service: Service) => addressOf(service, pool) }
      const services = informers.of('v1', 'Service', {}, byAddress)
      const nodes = informers.of('v1', 'Node')
      const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOf })
      const leases = informers.of('coordination.k8s.io/v1', 'Lease', { namespace: 'kube-node-lease' })
      const liveness = new NodeLiveness({ nodes, leases, clock, grace: config.announcementGracePeriod })
      /** Who announces for which Service, as written; ahead of the cache. */
      const holders = new Map<string, string>()
      /** The revision of our last write of each Service: what the cache shows from before it is not acted on. */
      const written = new Map<string, number>()
      let living = ''
      let enqueueAll: () => void = () => {}

      return {
        watch(enqueue) {
          enqueueAll = () => {
            for (const service of services.cache.list()) if (addressOf(service, pool)) enqueue(objectKey(service))
          }
          services.onChange((key, current, previous) => {
            const holder = current?.metadata.annotations?.[ANNOUNCED_BY]
            if (holder === undefined) holders.delete(key)
            else holders.set(key, holder)
            // Those that share its address follow it.
            for (const service of new Set([current, previous])) {
              const address = service && addressOf(service, pool)
              for (const other of address ? services.cache.lookup('address', address) : [])
                if (objectKey(other) !== key) enqueue(objectKey(other))
            }
          })
          nodes.onChange(() => look())
          leases.onChange(() => look())
          slices.onChange((_key, current, previous) => {
            for (const slice of [current, previous]) {
              const key = slice && serviceOf(slice)
              const service = key === undefined ? undefined : services.cache.get(key)
              if (key !== undefined && service && isLocal(service)) enqueue(key)
            }
          })
        },

        async run(until) {
          while (!until.aborted) {
            look()
            await clock.sleep(LOOK_EVERY, until)
          }
        },

        async reconcile(key) {
          const service = services.cache.get(key)
          if (!service) {
            holders.delete(key)
            written.delete(key)
            return
          }
          if (Number(service.metadata.resourceVersion) < (written.get(key) ?? 0)) return
          const address = addressOf(service, pool)
          const present = service.metadata.annotations?.[ANNOUNCED_BY]
          const wanted = address === undefined ? undefined : holderOf(service, address)
          if (wanted === present) return
          const { uid, namespace, name = '' } = service.metadata
          const body = { metadata: { uid, annotations: { [ANNOUNCED_BY]: wanted ?? null } } }
          if (wanted !== undefined) holders.set(key, wanted)
          const patch = { type: 'merge', subresource: 'status', body } as const
          const stored = await client.patch('v1', 'Service', { namespace, name }, patch, { signal })
          written.set(key, Number(stored.metadata.resourceVersion))
          if (wanted === undefined) return
          const from = present === undefined ? '' : `, no longer by ${present}`
          events.record(service, 'Normal', 'AnnouncedAddress', `${address} is announced by node ${wanted}${from}`)
        },
      }

      /** Looks who lives; when that has changed, all addresses are looked at. */
      function look(): void {
        const now = able().join()
        if (now === living) return
        living = now
        enqueueAll()
      }

      function able(): string[] {
        return balancedHosts(nodes.cache.list()).flatMap(({ metadata: { name = '' } }) => (liveness.lives(name) ? [name] : []))
      }

      function holderOf(service: Service, address: string): string | undefined {
        const [first] = services.cache.lookup('address', address).sort((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1))
        const lead = first && objectKey(first) !== objectKey(service) ? holders.get(objectKey(first)) : undefined
        if (lead !== undefined) return lead
        const load = new Map<string, number>()
        for (const [key, node] of holders) if (key !== objectKey(service)) load.set(node, (load.get(node) ?? 0) + 1)
        const holder = holders.get(objectKey(service))
        // Of a node that is gone nothing can be hoped.
        const current = holder !== undefined && nodes.cache.get(holder) ? holder : undefined
        return chooseHolder({ current, able: able(), withPods: isLocal(service) ? nodesWithPods(service) : undefined, load })
      }

      function nodesWithPods(service: Service): Set<string> {
        const endpoints = slices.cache.lookup('service', objectKey(service)).flatMap((slice) => slice.endpoints ?? [])
        return new Set(endpoints.flatMap(({ conditions, nodeName }) => (conditions.ready !== false && nodeName ? nodeName : [])))
      }
    },
  })

/** The address of the pool that leads to the Service now. */
function addressOf({ spec, status }: Service, pool: AddressPool): string | undefined {
  if (spec.type !== 'LoadBalancer') return undefined
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip }) => (ip && pool.holds(ip) ? ip : []))[0]
}

const ageOf = ({ metadata }: Service) => `${metadata.creationTimestamp} ${metadata.uid}`

const isLocal = ({ spec }: Service) => spec.externalTrafficPolicy === 'Local'

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL]
  return name === undefined ? undefined : `${metadata.namespace}/${name}`
}
