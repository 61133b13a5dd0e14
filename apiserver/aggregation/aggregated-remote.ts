import type { RemoteResource } from './remote-resources.ts'
import type { RemoteService } from './remote-services.ts'

/** What a remote server serves, in the words of aggregated discovery (apidiscovery.k8s.io/v2). */
export function aggregatedRemote({ group, version, resources = [] }: RemoteService): object[] {
  const subresources = Map.groupBy(
    resources.filter(({ name }) => name.includes('/')),
    ({ name }) => name.slice(0, name.indexOf('/')),
  )
  const kindOf = (row: RemoteResource) => ({ group: row.group ?? group, version: row.version ?? version, kind: row.kind })
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map((row) => ({
      ...{ resource: row.name, responseKind: kindOf(row), scope: row.namespaced ? 'Namespaced' : 'Cluster' },
      ...{ singularResource: row.singularName, verbs: row.verbs, shortNames: row.shortNames, categories: row.categories },
      subresources: subresources.get(row.name)?.map((part) => ({
        ...{ subresource: part.name.slice(row.name.length + 1), responseKind: kindOf(part), verbs: part.verbs },
      })),
    }))
}
