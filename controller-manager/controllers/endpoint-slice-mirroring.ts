import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Endpoints } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import {
  isMirrored,
  MANAGED_BY,
  MIRRORER,
  type MirrorContent,
  type MirrorPlan,
  MOST_ADDRESSES,
  planMirror,
  SERVICE_NAME,
} from '../plans/mirrored-slices.ts'
import { controllerReference } from '../pods/claim.ts'
import { Expectations } from '../pods/expectations.ts'

const SLICE = ['discovery.k8s.io/v1', 'EndpointSlice'] as const

/** Endpoints that somebody made by hand for a Service without a selector, as the EndpointSlices that everybody reads (KEP-752). */
export default defineController({
  name: 'endpointslicemirroring',
  reconciles: ['v1', 'Endpoints'],
  create({ informers, client, clock, events, signal }) {
    const endpoints = informers.of('v1', 'Endpoints')
    const services = informers.of('v1', 'Service')
    const slices = informers.of(...SLICE, {}, { mirrored: mirrorOf })
    const expectations = new Expectations(slices, clock)

    return {
      watch(enqueue) {
        services.onChange((key, current, previous) => {
          if (hasSelector(current) !== hasSelector(previous)) enqueue(key)
        })
        slices.onChange((_key, current, previous) => {
          for (const slice of [current, previous]) {
            const name = slice && mirrorOf(slice)
            if (name !== undefined) enqueue(name)
          }
        })
      },

      async reconcile(key) {
        // Slices that the cache does not show yet would be made a second time; their event brings us back.
        if (!expectations.satisfied(key)) return
        const original = endpoints.cache.get(key)
        const existing = slices.cache.lookup('mirrored', key)
        const wanted = original && isMirrored(original) && hasSelector(services.cache.get(key)) === false
        if (!wanted) {
          for (const slice of existing) await remove(key, slice)
          return
        }
        if (original.metadata.deletionTimestamp !== undefined) return
        const plan = planMirror(original, existing)
        if (plan.skipped > 0) {
          const message = `A max of ${MOST_ADDRESSES} addresses can be mirrored to EndpointSlices per Endpoints subset. ${plan.skipped} addresses were skipped`
          events.record(original, 'Warning', 'TooManyAddressesToMirror', message)
        }
        await carryOut(key, original, plan)
      },
    }

    async function carryOut(key: string, original: Endpoints, plan: MirrorPlan): Promise<void> {
      const { namespace } = original.metadata
      for (const content of plan.create) {
        expectations.written(key, await client.create(...SLICE, draft(original, content), { namespace, signal }))
      }
      for (const { slice, content } of plan.update) {
        const { labels, annotations, ...rest } = content
        const metadata = { ...slice.metadata, labels, annotations }
        expectations.written(key, await client.update(...SLICE, { ...slice, ...rest, metadata }, { signal }))
      }
      for (const slice of plan.remove) await remove(key, slice)
    }

    async function remove(key: string, slice: EndpointSlice): Promise<void> {
      const { namespace, name = '', uid } = slice.metadata
      try {
        await client.delete(...SLICE, { namespace, name }, { preconditions: { uid }, signal })
        expectations.deleted(key, slice)
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
  },
})

/** `namespace/name` of the Endpoints whose mirror this is, for slices that are ours. */
function mirrorOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME]
  return metadata.labels?.[MANAGED_BY] === MIRRORER && name !== undefined ? `${metadata.namespace}/${name}` : undefined
}

/** Undefined where there is no Service. */
function hasSelector(service: { spec: { selector?: Readonly<Record<string, string>> | undefined } } | undefined): boolean | undefined {
  return service && service.spec.selector !== undefined
}

function draft(original: Endpoints, { labels, annotations, ...content }: MirrorContent) {
  const metadata = { generateName: `${original.metadata.name}-`, labels, annotations, ownerReferences: [controllerReference(original)] }
  return { metadata, ...content }
}
