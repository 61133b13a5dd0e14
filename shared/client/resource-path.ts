import type { ObjectName } from '../objects/object.ts'
import { kindFacts } from '../openapi/kinds.ts'

/**
 * `/api/v1/namespaces/<ns>/pods`, `/apis/apps/v1/deployments` (all namespaces). With `one` the kind's scope decides whether a
 * namespace must be there: for creating, and for single objects.
 * @throws Error for a kind that is not served or a namespace that is missing: faults of the caller
 */
export function resourcePath(apiVersion: string, kind: string, namespace?: string, one = false): string {
  const facts = kindFacts(apiVersion, kind)
  if (!facts) throw new Error(`no resource is known for ${kind} in ${apiVersion}`)
  if (one && facts.namespaced && !namespace) throw new Error(`a ${kind} needs a namespace`)
  const inNamespace = facts.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${versionPath(apiVersion)}${inNamespace}/${facts.plural}`
}

/** The path of one object. */
export function objectPath(apiVersion: string, kind: string, { namespace, name }: ObjectName): string {
  return `${resourcePath(apiVersion, kind, namespace, true)}/${encodeURIComponent(name)}`
}

/** `/api/v1` or `/apis/<group>/<version>`. */
export function versionPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

/** Appends a query, where there is one. */
export function withQuery(path: string, query: Record<string, string> | undefined): string {
  if (!query || Object.keys(query).length === 0) return path
  return `${path}?${new URLSearchParams(query)}`
}
