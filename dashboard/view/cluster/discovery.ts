import type { Ask } from './ask.ts'
import type { Kind } from './kind.ts'

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

interface GroupList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string }
    readonly versions?: readonly { readonly version: string; readonly resources?: readonly ResourceEntry[] }[]
  }[]
}

interface ResourceEntry {
  readonly resource: string
  readonly responseKind?: { readonly kind?: string }
  readonly scope?: string
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly subresources?: readonly { readonly subresource: string }[]
}

/** Every kind that can be listed, in the version that its group prefers. @throws Refusal, Lost */
export async function discover(ask: Ask): Promise<readonly Kind[]> {
  const [core, groups] = await Promise.all([ask<GroupList>('/api', { accept: ACCEPT }), ask<GroupList>('/apis', { accept: ACCEPT })])
  const kinds = new Map<string, Kind>()
  for (const { metadata, versions = [] } of [...(core.items ?? []), ...(groups.items ?? [])]) {
    const group = metadata?.name ?? ''
    for (const { version, resources = [] } of versions) {
      for (const entry of resources) {
        const key = `${group}/${entry.resource}`
        if (entry.verbs?.includes('list') && !kinds.has(key)) kinds.set(key, kindOf(group, version, entry))
      }
    }
  }
  return [...kinds.values()]
}

function kindOf(group: string, version: string, entry: ResourceEntry): Kind {
  return {
    ...{ group, version, resource: entry.resource, kind: entry.responseKind?.kind ?? entry.resource },
    isNamespaced: entry.scope === 'Namespaced',
    shortNames: entry.shortNames ?? [],
    subresources: (entry.subresources ?? []).map(({ subresource }) => subresource),
  }
}
