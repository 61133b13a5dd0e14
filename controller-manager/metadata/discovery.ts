import type { Client } from '../../shared/client/client.ts'

/** One served resource, as the API server describes it. */
export interface ServedResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Of another server that could not be asked lately: what is known of it may be old, and its objects can probably not be read now. */
  readonly isStale: boolean
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Everything served, one version (the preferred one) of each resource, in two requests (KEP-3352). */
export async function discover(client: Pick<Client, 'request'>, signal: AbortSignal): Promise<ServedResource[]> {
  const documents = await Promise.all(['/api', '/apis'].map((path) => client.request('GET', path, { accept: AGGREGATED, signal })))
  const served = new Map<string, ServedResource>()
  for (const document of documents) {
    for (const group of arrayOf(document, 'items')) {
      const name = textOf(recordOf(group, 'metadata'), 'name')
      for (const version of arrayOf(group, 'versions')) {
        for (const resource of arrayOf(version, 'resources')) {
          const plural = textOf(resource, 'resource')
          const key = `${name}/${plural}`
          if (served.has(key)) continue
          served.set(key, {
            group: name,
            version: textOf(version, 'version'),
            kind: textOf(recordOf(resource, 'responseKind'), 'kind'),
            plural,
            namespaced: textOf(resource, 'scope') === 'Namespaced',
            isStale: textOf(version, 'freshness') === 'Stale',
            verbs: arrayOf(resource, 'verbs').filter((verb) => typeof verb === 'string'),
          })
        }
      }
    }
  }
  return [...served.values()]
}

/** URL path of a resource's collection, of one namespace or of all. */
export function collectionPath({ group, version, plural, namespaced }: ServedResource, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  return namespaced && namespace !== undefined ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: ServedResource): string {
  return group === '' ? version : `${group}/${version}`
}

function recordOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function arrayOf(value: unknown, name: string): unknown[] {
  const found = recordOf(value, name)
  return Array.isArray(found) ? found : []
}

function textOf(value: unknown, name: string): string {
  const found = recordOf(value, name)
  return typeof found === 'string' ? found : ''
}
