import type { User } from '../authn/user.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** How much of a request is written down; each holds what the ones before it do. */
export const auditLevels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type AuditLevel = (typeof auditLevels)[number]

/** When of a request something is written down. */
export const auditStages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type AuditStage = (typeof auditStages)[number]

/** One rule of a policy (audit.k8s.io/v1 PolicyRule). A list that is empty or absent asks nothing. */
export interface AuditRule {
  readonly level: AuditLevel
  readonly users?: readonly string[] | null
  readonly userGroups?: readonly string[] | null
  readonly verbs?: readonly string[] | null
  readonly resources?: readonly GroupResources[] | null
  /** The empty text means what is in no namespace. */
  readonly namespaces?: readonly string[] | null
  /** Paths; a `*` at the end stands for whatever follows. */
  readonly nonResourceURLs?: readonly string[] | null
  readonly omitStages?: readonly AuditStage[] | null
  readonly omitManagedFields?: boolean | null
}

/** Resources of one API group; all of them where none is named. */
export interface GroupResources {
  readonly group?: string | null
  readonly resources?: readonly string[] | null
  readonly resourceNames?: readonly string[] | null
}

/** audit.k8s.io/v1 Policy. */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[]
  readonly omitStages?: readonly AuditStage[] | null
  readonly omitManagedFields?: boolean | null
}

/** What a policy says of one request. */
export interface AuditDecision {
  readonly level: AuditLevel
  readonly omitStages: ReadonlySet<AuditStage>
  readonly omitManagedFields: boolean
}

/** What a policy is asked about: who (nobody where authentication failed) asks for what. */
export type AuditSubject = Pick<RequestInfo, 'isResource' | 'verb' | 'path' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>

/** A policy ready to be asked: the first rule that matches decides, and nothing is written where none does. */
export class AuditRules {
  readonly #rules: readonly { readonly rule: AuditRule; readonly decision: AuditDecision }[]
  readonly #otherwise: AuditDecision

  constructor({ rules, omitStages, omitManagedFields }: AuditPolicy) {
    const decided = (level: AuditLevel, stages: AuditRule['omitStages'], managedFields: boolean): AuditDecision => ({
      ...{ level, omitManagedFields: managedFields, omitStages: new Set([...(omitStages ?? []), ...(stages ?? [])]) },
    })
    this.#rules = rules.map((rule) => ({
      rule,
      decision: decided(rule.level, rule.omitStages, rule.omitManagedFields ?? omitManagedFields ?? false),
    }))
    this.#otherwise = decided('None', [], omitManagedFields ?? false)
  }

  decide(asked: AuditSubject, user: User | undefined): AuditDecision {
    return this.#rules.find(({ rule }) => matches(rule, asked, user))?.decision ?? this.#otherwise
  }
}

function matches(rule: AuditRule, asked: AuditSubject, user: User | undefined): boolean {
  if (isAsked(rule.users) && !(user && rule.users.includes(user.name))) return false
  if (isAsked(rule.userGroups) && !user?.groups.some((group) => rule.userGroups!.includes(group))) return false
  if (isAsked(rule.verbs) && !rule.verbs.includes(asked.verb)) return false
  if (isAsked(rule.namespaces) || isAsked(rule.resources)) return asked.isResource && matchesResource(rule, asked)
  if (isAsked(rule.nonResourceURLs)) return !asked.isResource && rule.nonResourceURLs.some((url) => matchesPath(url, asked.path))
  return true
}

function matchesResource({ namespaces, resources }: AuditRule, asked: AuditSubject): boolean {
  if (isAsked(namespaces) && !namespaces.includes(asked.namespace)) return false
  return !isAsked(resources) || resources.some((listed) => (listed.group ?? '') === asked.group && isListed(listed, asked))
}

/** Names are `pods`, `pods/log`, `pods/*` (the pods and all below them), a star for everything, and a star, a slash and a sub-resource. */
function isListed({ resources, resourceNames }: GroupResources, { resource, subresource, name }: AuditSubject): boolean {
  if (!isAsked(resources)) return true
  if (isAsked(resourceNames) && !resourceNames.includes(name)) return false
  const full = subresource === '' ? resource : `${resource}/${subresource}`
  const fitting = new Set(['*', full, `${resource}/*`, ...(subresource === '' ? [] : [`*/${subresource}`])])
  return resources.some((listed) => fitting.has(listed))
}

function matchesPath(url: string, path: string): boolean {
  return url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))
}

function isAsked<T>(list: readonly T[] | null | undefined): list is readonly T[] {
  return list != null && list.length > 0
}
