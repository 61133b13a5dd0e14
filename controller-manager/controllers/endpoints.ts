import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { EndpointAddress, EndpointSubset, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { familiesOfSlices } from '../plans/endpoint-slices.ts'

/** The most addresses an Endpoints object holds; one that was cut says so. */
const MOST_ADDRESSES = 1_000
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
/** Endpoints that programs once elected their leaders with have no Service, and need none. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader'

/** Endpoints for clients that do not read EndpointSlices yet: the same facts, in the older form. Follows the slices. */
export default defineController({
  name: 'endpoints',
  serviceAccount: 'endpoint-controller',
  reconciles: ['v1', 'Service'],
  create({ informers, client, signal }) {
    const services = informers.of('v1', 'Service')
    const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOf })
    const endpoints = informers.of('v1', 'Endpoints')
    let enqueueLeftover: (key: string) => void = () => {}
    return {
      watch(enqueue) {
        enqueueLeftover = enqueue
        slices.onChange((_key, current, previous) => {
          for (const slice of [current, previous]) {
            const service = slice && serviceOf(slice)
            // The slices of a deleted Service go after it; somebody may have made Endpoints for the next one by then.
            if (service !== undefined && services.cache.get(service)) enqueue(service)
          }
        })
      },
      /** Once: those whose Service was deleted while nobody looked. Later ones may be ahead of theirs. */
      async run() {
        for (const { metadata } of endpoints.cache.list()) {
          if (metadata.annotations?.[LEADER] === undefined) enqueueLeftover(`${metadata.namespace}/${metadata.name}`)
        }
      },
      async reconcile(key, name) {
        const service = services.cache.get(key)
        const existing = endpoints.cache.get(key)
        if (!service) return existing ? remove(key, existing.metadata.uid) : undefined
        if (!service.spec.selector || service.spec.type === 'ExternalName') return
        // Readers of Endpoints know one family: that of the cluster IP.
        const [family] = familiesOfSlices(service)
        const all = slices.cache.lookup('service', key).filter(({ addressType }) => addressType === family)
        const subsets = subsetsOf(service, all)
        const cut = all.reduce((sum, slice) => sum + (slice.endpoints?.length ?? 0), 0) > MOST_ADDRESSES
        const annotations = cut ? { [OVER_CAPACITY]: 'truncated' } : {}
        const labels = { ...service.metadata.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }
        if (!existing) {
          await client.create(
            'v1',
            'Endpoints',
            { metadata: { name: name.name, labels, annotations }, subsets },
            { namespace: name.namespace, signal },
          )
        } else if (!sameJson(existing.subsets ?? [], subsets) || !sameJson(existing.metadata.labels, labels)) {
          await client.update(
            'v1',
            'Endpoints',
            { ...existing, metadata: { ...existing.metadata, labels, annotations }, subsets },
            { signal },
          )
        }
      },
    }

    /** With their Service they go, whoever made them, as upstream's do. */
    async function remove(key: string, uid: string | undefined): Promise<void> {
      const [namespace = '', name = ''] = key.split('/')
      try {
        await client.delete('v1', 'Endpoints', { namespace, name }, { preconditions: { uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
  },
})

function serviceOf(slice: EndpointSlice): string | undefined {
  const labels = slice.metadata.labels ?? {}
  const name = labels['kubernetes.io/service-name']
  return labels['endpointslice.kubernetes.io/managed-by'] === 'endpointslice-controller.k8s.io' && name
    ? `${slice.metadata.namespace}/${name}`
    : undefined
}

function subsetsOf(service: Service, slices: readonly EndpointSlice[]): EndpointSubset[] {
  const subsets = new Map<string, EndpointSubset>()
  let room = MOST_ADDRESSES
  for (const slice of slices) {
    const ports = (slice.ports ?? []).map(({ name, port = 0, protocol, appProtocol }) => ({
      ...(name ? { name } : {}),
      port,
      protocol,
      appProtocol,
    }))
    const key = JSON.stringify(ports)
    const subset = subsets.get(key) ?? { ports }
    for (const endpoint of slice.endpoints ?? []) {
      if (room === 0 || endpoint.conditions.terminating) continue
      room -= 1
      const address: EndpointAddress = {
        ip: endpoint.addresses[0] ?? '',
        hostname: endpoint.hostname,
        nodeName: endpoint.nodeName,
        targetRef: endpoint.targetRef,
      }
      const list = endpoint.conditions.ready ? 'addresses' : 'notReadyAddresses'
      subset[list] = [...(subset[list] ?? []), address].sort((left, right) => (left.ip < right.ip ? -1 : 1))
      subsets.set(key, subset)
    }
  }
  return service.spec.ports?.length === 0 ? [] : [...subsets.values()]
}
