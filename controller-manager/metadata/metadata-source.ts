import type { Client, List, WatchEvent } from '../../shared/client/client.ts'
import type { ReflectorSource } from '../../shared/informer/reflector.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { collectionPath, type ServedResource } from './discovery.ts'

const LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
const ONE = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

/** Lists and watches a resource's metadata alone: all that ownership is about, at a fraction of the bytes. */
export function metadataSource(client: Client, resource: ServedResource): ReflectorSource<KubeObject> {
  const path = collectionPath(resource)
  return {
    async list({ limit, continue: token, signal }) {
      const query: Record<string, string> = { limit: String(limit ?? 500), ...(token ? { continue: token } : {}) }
      return listOf(await client.request('GET', path, { accept: LIST, query, signal }))
    },
    async *watch({ resourceVersion, timeoutSeconds, signal }) {
      const query: Record<string, string> = { allowWatchBookmarks: 'true' }
      if (resourceVersion !== undefined) query['resourceVersion'] = resourceVersion
      if (timeoutSeconds !== undefined) query['timeoutSeconds'] = String(timeoutSeconds)
      for await (const event of client.watchPath(path, { accept: ONE, query, signal })) {
        if (hasMetadata(event.object)) yield { type: event.type, object: event.object } satisfies WatchEvent<KubeObject>
      }
    },
  }
}

function listOf(body: unknown): List<KubeObject> {
  if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items) || !('metadata' in body)) {
    throw new Error('the answer to a list is no list')
  }
  const metadata = typeof body.metadata === 'object' && body.metadata !== null ? body.metadata : {}
  return { metadata, items: body.items.filter(hasMetadata) }
}

function hasMetadata(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'metadata' in value && typeof value.metadata === 'object' && value.metadata !== null
}
