import type { FlowSchema, NonResourcePolicyRule, ResourcePolicyRule, Subject } from '../../shared/openapi/generated/flowcontrol-v1.ts'
import { parseServiceAccountUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** Undefined: every word. */
type Words = ReadonlySet<string> | undefined

interface ResourceRule {
  readonly verbs: Words
  readonly groups: Words
  readonly resources: Words
  readonly namespaces: Words
  readonly clusterScope: boolean
}

interface PathRule {
  readonly verbs: Words
  readonly exact: Words
  /** Texts before a `*` at the end. */
  readonly prefixes: readonly string[]
}

/** Some subjects and what of theirs is meant, made ready for asking. */
export interface SubjectRules {
  isFor(user: User): boolean
  fits(info: RequestInfo): boolean
}

/** The rules of a schema: a request fits when one of them is for its user and names what is asked. */
export function compileRules(schema: FlowSchema): SubjectRules[] {
  return (schema.spec.rules ?? []).map(({ subjects, resourceRules = [], nonResourceRules = [] }) => {
    const resources = resourceRules.map(resourceRule)
    const paths = nonResourceRules.map(pathRule)
    return {
      isFor: subjectTest(subjects),
      fits: (info) => (info.isResource ? resources.some((rule) => fitsResource(rule, info)) : paths.some((rule) => fitsPath(rule, info))),
    }
  })
}

function subjectTest(subjects: readonly Subject[]): SubjectRules['isFor'] {
  const users = new Set<string>()
  const groups = new Set<string>()
  const accounts = new Set<string>()
  for (const { kind, user, group, serviceAccount } of subjects) {
    if (kind === 'User' && user) users.add(user.name)
    else if (kind === 'Group' && group) groups.add(group.name)
    else if (kind === 'ServiceAccount' && serviceAccount) accounts.add(`${serviceAccount.namespace}:${serviceAccount.name}`)
  }
  return (user) => {
    if (users.has('*') || users.has(user.name)) return true
    if (groups.size > 0 && (groups.has('*') || user.groups.some((group) => groups.has(group)))) return true
    const account = accounts.size > 0 ? parseServiceAccountUser(user.name) : undefined
    return account !== undefined && (accounts.has(`${account.namespace}:*`) || accounts.has(`${account.namespace}:${account.name}`))
  }
}

function resourceRule({ verbs, apiGroups, resources, namespaces, clusterScope }: ResourcePolicyRule): ResourceRule {
  return {
    ...{ verbs: words(verbs), groups: words(apiGroups), resources: words(resources) },
    ...{ namespaces: words(namespaces ?? []), clusterScope: clusterScope ?? false },
  }
}

function pathRule({ verbs, nonResourceURLs }: NonResourcePolicyRule): PathRule {
  const prefixes = nonResourceURLs.filter((path) => path.endsWith('*')).map((path) => path.slice(0, -1))
  return { verbs: words(verbs), exact: words(nonResourceURLs), prefixes }
}

const words = (list: readonly string[]): Words => (list.includes('*') ? undefined : new Set(list))
const has = (set: Words, word: string): boolean => set === undefined || set.has(word)

function fitsResource(rule: ResourceRule, { verb, group, resource, subresource, namespace }: RequestInfo): boolean {
  if (!has(rule.verbs, verb) || !has(rule.groups, group)) return false
  if (!has(rule.resources, subresource === '' ? resource : `${resource}/${subresource}`)) return false
  return namespace === '' ? rule.clusterScope : has(rule.namespaces, namespace)
}

function fitsPath(rule: PathRule, { verb, path }: RequestInfo): boolean {
  if (!has(rule.verbs, verb)) return false
  return has(rule.exact, path) || rule.prefixes.some((prefix) => path.startsWith(prefix))
}
