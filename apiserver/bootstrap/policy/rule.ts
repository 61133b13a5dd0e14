import type { PolicyRule, Subject } from '../../../shared/openapi/generated/rbac-v1.ts'

/** Verbs that come together, as upstream's policy has them. */
export const READ = 'get list watch'
export const WRITE = 'create update patch delete deletecollection'

/** A rule in words: what may be done (`get list`), in which API groups (`core` for the one without a name), with which resources. */
export function rule(verbs: string, groups: string, resources: string): PolicyRule {
  return { verbs: words(verbs), apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)), resources: words(resources) }
}

/** The same about single objects, by name. */
export function named(names: string, verbs: string, groups: string, resources: string): PolicyRule {
  return { ...rule(verbs, groups, resources), resourceNames: words(names) }
}

/** Reading paths that are no resources. */
export function paths(list: string, verbs = 'get'): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(list) }
}

/** Rules by the name of the role that holds them. */
export type Roles = Readonly<Record<string, readonly PolicyRule[]>>

/** Speaking about what one does, in either group that Events have. */
export const EVENTS = rule('create patch update', 'core events.k8s.io', 'events')

const GROUP = 'rbac.authorization.k8s.io'

/** Who gets a role. */
export const user = (name: string): Subject => ({ kind: 'User', apiGroup: GROUP, name })
export const group = (name: string): Subject => ({ kind: 'Group', apiGroup: GROUP, name })
/** A service account of `kube-system`. */
export const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' })

function words(text: string): string[] {
  return text.split(' ')
}
