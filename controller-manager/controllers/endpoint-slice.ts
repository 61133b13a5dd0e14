import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Pod, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { labelSelectorFromMap } from '../../shared/selectors/label-selector.ts'
import { endpointsOf, groupByPorts, planSlices, type SliceContent, zoneOf } from '../plans/endpoint-slices.ts'
import { controllerReference } from '../pods/claim.ts'

const SERVICE_NAME = 'kubernetes.io/service-name'
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const MANAGER = 'endpointslice-controller.k8s.io'
const HEADLESS = 'service.kubernetes.io/headless'

/** Which pods stand behind a Service, as EndpointSlices (KEP-752). Services without a selector are left to those who made them. */
export default defineController({
  name: 'endpointslice',
  reconciles: ['v1', 'Service'],
  workers: 5,
  create({ informers, client, signal }) {
    const services = informers.of('v1', 'Service', {}, { namespace: (service) => service.metadata.namespace })
    const pods = informers.of('v1', 'Pod', {}, { namespace: (pod) => pod.metadata.namespace })
    const nodes = informers.of('v1', 'Node')
    const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: ownSliceOf })

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
        const existing = slices.cache.lookup('service', key)
        if (!service || service.metadata.deletionTimestamp !== undefined) return
        if (!service.spec.selector || service.spec.type === 'ExternalName') return
        const selected = pods.cache.lookup('namespace', service.metadata.namespace ?? '').filter((pod) => selects(service, pod))
        const endpoints = endpointsOf(service, selected, (name) => zoneOf(nodes.cache.get(name)))
        const plan = planSlices(groupByPorts(service, endpoints), existing)
        for (const content of plan.create) {
          await client.create('discovery.k8s.io/v1', 'EndpointSlice', draft(service, content), {
            namespace: service.metadata.namespace,
            signal,
          })
        }
        for (const { slice, content } of plan.update)
          await client.update('discovery.k8s.io/v1', 'EndpointSlice', { ...slice, ...content }, { signal })
        for (const slice of plan.remove) await remove(slice)
        await relabel(
          service,
          existing.filter((slice) => !plan.remove.includes(slice) && !plan.update.some((update) => update.slice === slice)),
        )
      },
    }

    async function remove(slice: EndpointSlice): Promise<void> {
      const { namespace, name = '', uid } = slice.metadata
      try {
        await client.delete('discovery.k8s.io/v1', 'EndpointSlice', { namespace, name }, { preconditions: { uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }

    /** Slices carry their Service's labels. */
    async function relabel(service: Service, unchanged: readonly EndpointSlice[]): Promise<void> {
      const labels = sliceLabels(service)
      for (const slice of unchanged) {
        if (sameJson(slice.metadata.labels, labels)) continue
        await client.update('discovery.k8s.io/v1', 'EndpointSlice', { ...slice, metadata: { ...slice.metadata, labels } }, { signal })
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
    pod.status.phase,
    pod.status.conditions?.find(({ type }) => type === 'Ready')?.status,
  ]
  return sameJson(facts(left), facts(right))
}

function sliceLabels(service: Service): Record<string, string> {
  const headless = service.spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {}
  return { ...service.metadata.labels, ...headless, [SERVICE_NAME]: service.metadata.name ?? '', [MANAGED_BY]: MANAGER }
}

function draft(service: Service, content: SliceContent) {
  return {
    metadata: {
      generateName: `${service.metadata.name}-`,
      labels: sliceLabels(service),
      ownerReferences: [controllerReference(service)],
    },
    addressType: 'IPv4',
    ...content,
  }
}
