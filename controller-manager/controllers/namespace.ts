import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Namespace, NamespaceCondition } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { collectionPath, discover, type ServedResource } from '../metadata/discovery.ts'

/** How soon a namespace with content left is looked at again; most of it goes as soon as its pods have stopped. */
const RETRY_MILLISECONDS = 500

interface Remains {
  resource: string
  count: number
  finalizers: string[]
}

/** Empties a namespace that is being deleted, pods before everything else (KEP-5080), then lets it go. */
export default defineController({
  name: 'namespace',
  reconciles: ['v1', 'Namespace'],
  workers: 10,
  create({ informers, client, clock, signal }) {
    const namespaces = informers.of('v1', 'Namespace')

    return {
      async reconcile(key) {
        const namespace = namespaces.cache.get(key)
        if (!namespace || namespace.metadata.deletionTimestamp === undefined || !namespace.spec.finalizers?.includes('kubernetes')) return
        const resources = (await discover(client, signal)).filter(
          ({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'),
        )
        const pods = resources.filter(({ group, plural }) => group === '' && plural === 'pods')
        const others = resources.filter((resource) => !pods.includes(resource))
        let remains = await empty(pods, key)
        if (remains.length === 0) remains = await empty(others, key)
        if (remains.length > 0) {
          await report(namespace, remains)
          return { requeueAfterMilliseconds: RETRY_MILLISECONDS }
        }
        const finalizers = namespace.spec.finalizers.filter((finalizer) => finalizer !== 'kubernetes')
        const body = { ...namespace, spec: { ...namespace.spec, finalizers } }
        try {
          await client.request('PUT', `/api/v1/namespaces/${encodeURIComponent(key)}/finalize`, { body, signal })
        } catch (error) {
          if (!hasReason(error, 'NotFound')) throw error
        }
      },
    }

    async function empty(resources: readonly ServedResource[], namespace: string): Promise<Remains[]> {
      const left = await Promise.all(resources.map((resource) => emptyOne(resource, namespace)))
      return left.flatMap((each) => each ?? [])
    }

    async function emptyOne(resource: ServedResource, namespace: string): Promise<Remains | undefined> {
      const path = collectionPath(resource, namespace)
      const before = itemsOf(await client.request('GET', path, { signal }))
      if (before.length === 0) return undefined
      // Events are written until the end; collections are deleted again for what came in between.
      if (resource.verbs.includes('deletecollection')) {
        await client.request('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }, signal })
      } else {
        for (const { name } of before) await deleteOne(`${path}/${encodeURIComponent(name)}`)
      }
      const after = itemsOf(await client.request('GET', path, { signal }))
      // As upstream writes it: the core group's names end with the dot.
      const name = `${resource.plural}.${resource.group}`
      return after.length === 0
        ? undefined
        : { resource: name, count: after.length, finalizers: after.flatMap(({ finalizers }) => finalizers) }
    }

    async function deleteOne(path: string): Promise<void> {
      try {
        await client.request('DELETE', path, { signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }

    async function report(namespace: Namespace, remains: readonly Remains[]): Promise<void> {
      const conditions = conditionsOf(namespace, remains, timestamp(clock.now()))
      if (sameJson(conditions, namespace.status.conditions)) return
      try {
        await client.updateStatus('v1', 'Namespace', { ...namespace, status: { ...namespace.status, conditions } }, { signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }
  },
})

/** The five conditions by which `kubectl describe namespace` says what a deletion waits for. */
function conditionsOf(namespace: Namespace, remains: readonly Remains[], now: string): NamespaceCondition[] {
  const resources = remains.map(({ resource, count }) => `${resource} has ${count} resource instances`).join(', ')
  const byFinalizer = new Map<string, number>()
  for (const finalizer of remains.flatMap(({ finalizers }) => finalizers)) byFinalizer.set(finalizer, (byFinalizer.get(finalizer) ?? 0) + 1)
  const finalizers = [...byFinalizer].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).join(', ')
  const fine = (type: string, reason: string, message: string) => ({ type, status: 'False', reason, message })
  const bad = (type: string, reason: string, message: string) => ({ type, status: 'True', reason, message })
  const news = [
    fine('NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'),
    fine('NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    fine('NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'),
    bad('NamespaceContentRemaining', 'SomeResourcesRemain', `Some resources are remaining: ${resources}`),
    finalizers === ''
      ? fine('NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished')
      : bad(
          'NamespaceFinalizersRemaining',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${finalizers}`,
        ),
  ]
  return news.map((each) => {
    const known = namespace.status.conditions?.find(({ type }) => type === each.type)
    return { ...each, lastTransitionTime: known?.status === each.status ? known.lastTransitionTime : now }
  })
}

function itemsOf(list: unknown): { name: string; finalizers: string[] }[] {
  if (typeof list !== 'object' || list === null || !('items' in list) || !Array.isArray(list.items)) return []
  return list.items.map((item) => {
    const metadata: { name?: string; finalizers?: string[] } = item?.metadata ?? {}
    return { name: String(metadata.name ?? ''), finalizers: metadata.finalizers ?? [] }
  })
}
