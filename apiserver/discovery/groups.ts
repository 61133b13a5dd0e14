import { splitApiVersion } from '../../shared/openapi/kinds.ts'
import { aggregatedRemote } from '../aggregation/aggregated-remote.ts'
import { type Priorities, prioritiesOf } from '../aggregation/group-priorities.ts'
import type { RemoteService } from '../aggregation/remote-services.ts'
import type { Resource, ServedSubresource } from '../registry/resource-table.ts'

interface GroupVersion {
  groupVersion: string
  version: string
}

/** A group with its versions, the preferred one first, and what is served of each. */
export interface ServedGroup {
  readonly name: string
  readonly versions: readonly ServedVersion[]
}

interface ServedVersion {
  readonly version: string
  readonly resources: readonly Resource[]
  /** Whose it is, where it is not ours. */
  readonly remote: RemoteService | undefined
}

interface RankedVersion extends ServedVersion {
  readonly priorities: Priorities
}

/** Groups and versions in the order of their priorities, as upstream shows them: where two have a word, clients take the first. */
export function servedGroups(resources: readonly Resource[], remotes: readonly RemoteService[] = []): ServedGroup[] {
  const groups = new Map<string, Map<string, RankedVersion>>()
  const versionsOf = (group: string) => {
    const versions = groups.get(group) ?? new Map<string, RankedVersion>()
    groups.set(group, versions)
    return versions
  }
  for (const [apiVersion, own] of Map.groupBy(resources, (resource) => resource.apiVersion)) {
    const { group, version, custom } = own[0]!
    const priorities = prioritiesOf(group, apiVersion, custom !== undefined)
    const sorted = own.sort((a, b) => (a.plural < b.plural ? -1 : 1))
    versionsOf(group).set(version, { version, resources: sorted, remote: undefined, priorities })
  }
  for (const remote of remotes) {
    const { groupPriorityMinimum, versionPriority } = remote.service.spec
    const priorities = { group: groupPriorityMinimum, version: versionPriority }
    versionsOf(remote.group).set(remote.version, { version: remote.version, resources: [], remote, priorities })
  }
  const rank = (versions: ReadonlyMap<string, RankedVersion>) => Math.max(...[...versions.values()].map((each) => each.priorities.group))
  return [...groups]
    .sort(([a, ofA], [b, ofB]) => rank(ofB) - rank(ofA) || (a < b ? -1 : 1))
    .map(([name, versions]) => ({ name, versions: [...versions.values()].sort(compareRanked) }))
}

function compareRanked(a: RankedVersion, b: RankedVersion): number {
  return b.priorities.version - a.priorities.version || compareVersions(a.version, b.version)
}

/** Upstream's order of version names: v2 before v1 before v1beta2 before v1alpha1. */
function compareVersions(a: string, b: string): number {
  const rank = (text: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text)
    if (!match) return [0, 0, 0]
    const stability = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1
    return [stability, Number(match[1]), Number(match[3] ?? 0)]
  }
  const [left, right] = [rank(a), rank(b)]
  for (const [index, value] of left.entries()) if (value !== right[index]) return right[index]! - value
  return a < b ? -1 : 1
}

/** `/api` */
export function coreVersions(serverAddress: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

/** `/apis` */
export function groupList(groups: readonly ServedGroup[]): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter((group) => group.name !== '').map(groupInfo) }
}

/** `/apis/<group>` */
export function groupDocument(group: ServedGroup): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupInfo(group) }
}

function groupInfo({ name, versions }: ServedGroup): { name: string; versions: GroupVersion[]; preferredVersion: GroupVersion } {
  const all = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: all, preferredVersion: all[0]! }
}

/** `/api/v1`, `/apis/<group>/<version>` */
export function resourceList(groupVersion: string, resources: readonly Resource[]): object {
  return {
    kind: 'APIResourceList',
    ...(groupVersion === 'v1' ? {} : { apiVersion: 'v1' }),
    groupVersion,
    resources: resources.flatMap((resource) => [resourceInfo(resource), ...subresourceInfos(resource)]),
  }
}

function resourceInfo({ definition, facts, kind, namespaced, plural, verbs }: Resource): object {
  const { shortNames, categories } = definition.hooks
  return {
    name: plural,
    singularName: facts.singular,
    namespaced,
    kind,
    verbs: [...verbs].sort(),
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
  }
}

function subresourceInfos(resource: Resource): object[] {
  return [...resource.subresources.values()].map((subresource) => ({
    name: `${resource.plural}/${subresource.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...foreignKind(resource, subresource),
    kind: subresource.kind,
    verbs: subresource.verbs,
  }))
}

/** A sub-resource whose body is of another group version says so. */
function foreignKind(resource: Resource, { apiVersion }: ServedSubresource): object {
  return apiVersion === resource.apiVersion ? {} : splitApiVersion(apiVersion)
}

/** Aggregated discovery (apidiscovery.k8s.io/v2) of the given groups. */
export function aggregatedDiscovery(groups: readonly ServedGroup[]): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: name === '' ? { creationTimestamp: null } : { name, creationTimestamp: null },
      versions: versions.map(({ version, resources, remote }) =>
        remote ? remoteVersion(remote) : { version, resources: resources.map(aggregatedResource), freshness: 'Current' },
      ),
    })),
  }
}

/** What its server said last; nothing yet is `Stale` too. */
function remoteVersion(remote: RemoteService): object {
  return { version: remote.version, resources: aggregatedRemote(remote), freshness: remote.isStale ? 'Stale' : 'Current' }
}

function aggregatedResource(resource: Resource): object {
  const { shortNames, categories } = resource.definition.hooks
  const { group, version, kind } = resource
  const subresources = [...resource.subresources.values()].map((each) => ({
    subresource: each.name,
    responseKind: { ...splitApiVersion(each.apiVersion), kind: each.kind },
    verbs: each.verbs,
  }))
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.facts.singular,
    verbs: [...resource.verbs].sort(),
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}
