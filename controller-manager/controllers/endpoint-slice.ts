import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Pod, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { labelSelectorFromMap } from '../../shared/selectors/label-selector.ts'
import {
  endpointsOf,
  familiesOfSlices,
  groupByPorts,
  planSlices,
  type SliceContent,
  type SlicePlan,
  zoneOf,
} from '../plans/endpoint-slices.ts'
import { controllerReference } from '../pods/claim.ts'
import { Expectations } from '../pods/expectations.ts'

const SERVICE_NAME = 'kubernetes.io/service-name'
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const MANAGER = 'endpointslice-controller.k8s.io'
const HEADLESS = 'service.kubernetes.io/headless'

/** Which pods stand behind a Service, as EndpointSlices (KEP-752). Services without a selector are left to those who made them. */
export default defineController({
  name: 'endpointslice',
  reconciles: ['v1', 'Service'],
  workers: 5,
  create({ informers, client, clock, signal }) {
    const services = informers.of('v1', 'Service', {}, { namespace: (service) => service.metadata.namespace })
    const pods = informers.of('v1', 'Pod', {}, { namespace: (pod) => pod.metadata.namespace })
    const nodes = informers.of('v1', 'Node')
    const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: ownSliceOf })
    const expectations = new Expectations(slices, clock)

    return {
      watch(enqueue) {
        pods.onChange((_key, current, previous) => {
          if (current && previous && sameForEndpoints(current, previous)) return
          const namespace = (current ?? previous)?.metadata.namespace ?? ''
          for (const service of services.cache.lookup('namespace', namespace)) {
            if ([current, previous].some((pod) => pod && selects(service, pod))) enqueue(`${namespace}/${service.metadata.name}`)
          }
        })
        slices.onChange((_key, current, previous) => {
          for (const slice of [current, previous]) {
            const service = slice && ownSliceOf(slice)
            if (service !== undefined) enqueue(service)
          }
        })
        nodes.onChange((_key, current, previous) => {
          if (zoneOf(current) === zoneOf(previous)) return
          for (const service of services.cache.list()) enqueue(`${service.metadata.namespace}/${service.metadata.name}`)
        })
      },

      async reconcile(key) {
        const service = services.cache.get(key)
        if (!service) return expectations.forget(key)
        // Slices of this Service that the cache does not show yet would be made a second time; their event brings us back.
        if (service.metadata.deletionTimestamp !== undefined || !expectations.satisfied(key)) return
        if (!service.spec.selector || service.spec.type === 'ExternalName') return
        const existing = slices.cache.lookup('service', key)
        const selected = pods.cache.lookup('namespace', service.metadata.namespace ?? '').filter((pod) => selects(service, pod))
        const families = familiesOfSlices(service)
        for (const family of families) {
          const endpoints = endpointsOf(service, selected, (name) => zoneOf(nodes.cache.get(name)), family)
          const own = existing.filter(({ addressType }) => addressType === family)
          await carryOut(service, key, planSlices(groupByPorts(service, endpoints), own, sliceLabels(service)), family)
        }
        // Those of a family that the Service gave up go last: the other's endpoints are there.
        const remove = existing.filter(({ addressType }) => !families.some((family) => family === addressType))
        await carryOut(service, key, { create: [], update: [], remove })
      },
    }

    async function carryOut(service: Service, key: string, plan: SlicePlan, family: IpFamily = 'IPv4'): Promise<void> {
      const { namespace } = service.metadata
      for (const content of plan.create) {
        const slice = await client.create('discovery.k8s.io/v1', 'EndpointSlice', draft(service, content, family), { namespace, signal })
        expectations.written(key, slice)
      }
      for (const { slice, content } of plan.update) {
        const metadata = { ...slice.metadata, labels: sliceLabels(service) }
        const written = await client.update('discovery.k8s.io/v1', 'EndpointSlice', { ...slice, metadata, ...content }, { signal })
        expectations.written(key, written)
      }
      for (const slice of plan.remove) {
        await remove(slice)
        expectations.deleted(key, slice)
      }
    }

    async function remove(slice: EndpointSlice): Promise<void> {
      const { namespace, name = '', uid } = slice.metadata
      try {
        await client.delete('discovery.k8s.io/v1', 'EndpointSlice', { namespace, name }, { preconditions: { uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
  },
})

/** `namespace/name` of the Service whose slice this is, for slices that are ours. */
function ownSliceOf(slice: EndpointSlice): string | undefined {
  const labels = slice.metadata.labels ?? {}
  const name = labels[SERVICE_NAME]
  return labels[MANAGED_BY] === MANAGER && name !== undefined ? `${slice.metadata.namespace}/${name}` : undefined
}

function selects(service: Service, pod: Pod): boolean {
  const { selector } = service.spec
  return selector !== undefined && Object.keys(selector).length > 0 && labelSelectorFromMap(selector).matches(pod.metadata.labels)
}

/** Most changes of a pod (probes' times, restarts) say nothing new about endpoints. */
function sameForEndpoints(left: Pod, right: Pod): boolean {
  const facts = (pod: Pod) => [
    pod.metadata.labels,
    pod.metadata.deletionTimestamp,
    pod.spec.nodeName,
    pod.status.podIP,
    pod.status.podIPs,
    pod.status.phase,
    pod.status.conditions?.find(({ type }) => type === 'Ready')?.status,
  ]
  return sameJson(facts(left), facts(right))
}

function sliceLabels(service: Service): Record<string, string> {
  const headless = service.spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {}
  return { ...service.metadata.labels, ...headless, [SERVICE_NAME]: service.metadata.name ?? '', [MANAGED_BY]: MANAGER }
}

function draft(service: Service, content: SliceContent, addressType: IpFamily) {
  return {
    metadata: {
      generateName: `${service.metadata.name}-`,
      labels: sliceLabels(service),
      ownerReferences: [controllerReference(service)],
    },
    addressType,
    ...content,
  }
}
