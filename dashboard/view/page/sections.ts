import type { Kind } from '../cluster/kind.ts'

/** Kinds that belong together for people, in the order in which they are looked for. What is not here is listed by its group. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  Workloads: [
    'pods',
    'deployments',
    'statefulsets',
    'daemonsets',
    'jobs',
    'cronjobs',
    'replicasets',
    'horizontalpodautoscalers',
    'poddisruptionbudgets',
  ],
  Network: ['services', 'ingresses', 'endpointslices', 'networkpolicies', 'ingressclasses'],
  Storage: ['persistentvolumeclaims', 'persistentvolumes', 'storageclasses'],
  Configuration: ['configmaps', 'secrets', 'resourcequotas', 'limitranges'],
  Cluster: ['nodes', 'namespaces', 'events', 'customresourcedefinitions', 'apiservices', 'priorityclasses', 'leases'],
  Access: ['serviceaccounts', 'roles', 'rolebindings', 'clusterroles', 'clusterrolebindings', 'certificatesigningrequests'],
}
const OWN_GROUPS = new Set(['', 'apps', 'batch', 'autoscaling', 'policy'])

export interface Section {
  readonly title: string
  readonly kinds: readonly Kind[]
}

/** Everything that discovery knows, sorted for people: the cluster's own by subject, then custom kinds by group, then the rest. */
export function sectionsOf(kinds: readonly Kind[]): readonly Section[] {
  const placed = new Set<Kind>()
  const sections: Section[] = []
  for (const [title, resources] of Object.entries(SECTIONS)) {
    // The same plural in another group is another kind: events of events.k8s.io, pods of metrics.k8s.io.
    const found = resources.flatMap((resource) => kinds.find((kind) => kind.resource === resource && isBuiltIn(kind)) ?? [])
    for (const kind of found) placed.add(kind)
    if (found.length > 0) sections.push({ title, kinds: found })
  }
  const rest = kinds.filter((kind) => !placed.has(kind))
  const groups = [...new Set(rest.filter((kind) => !isBuiltIn(kind)).map(({ group }) => group))].sort()
  for (const title of groups) sections.push({ title, kinds: rest.filter(({ group }) => group === title) })
  const others = rest.filter(isBuiltIn)
  if (others.length > 0) sections.push({ title: 'Others', kinds: others })
  return sections
}

export function isBuiltIn({ group }: Pick<Kind, 'group'>): boolean {
  return OWN_GROUPS.has(group) || group.endsWith('.k8s.io')
}
