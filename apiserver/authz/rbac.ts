import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes, AccessDecision, Authorizer } from './authorizer.ts'
import type { PolicyIndex } from './policy-index.ts'
import { nameMatches, ruleAllows, ruleAllowsResource } from './policy-rule.ts'

/** What is remembered of a user: grants and answers, as of one generation of the policy. */
interface Memory {
  readonly generation: number
  readonly grants: Map<string, HeldRule[]>
  readonly verdicts: Map<string, Verdict>
}

interface HeldRule {
  readonly rule: PolicyRule
  readonly reason: string
}

/** The answer to a question without its object's name: allowed for all, or for the names of these rules. */
interface Verdict {
  readonly always: AccessDecision | undefined
  readonly named: readonly HeldRule[]
  readonly refusal: AccessDecision
}

/** Questions remembered a user; a client that asks about ever new namespaces or paths only loses speed. */
const REMEMBERED = 2048

export interface Rbac extends Authorizer {
  /** All rules that the user holds in the namespace, cluster-wide ones included. */
  rulesOf(user: User, namespace: string): PolicyRule[]
}

/**
 * Role based access control. Answers are remembered with the User object: certificates, tokens and sessions keep giving
 * the same one, so a request costs one map look-up after the first of its kind.
 */
export function rbacAuthorizer(index: PolicyIndex): Rbac {
  const memories = new WeakMap<User, Memory>()

  const memoryOf = (user: User): Memory => {
    const known = memories.get(user)
    if (known && known.generation === index.generation) return known
    const fresh = { generation: index.generation, grants: new Map(), verdicts: new Map() }
    memories.set(user, fresh)
    return fresh
  }

  const heldIn = (user: User, namespace: string, missing?: string[]): HeldRule[] =>
    index.grantsOf(user, namespace, (role) => missing?.push(role)).flatMap(({ rules, reason }) => rules.map((rule) => ({ rule, reason })))

  const decide = (attributes: AccessAttributes): Verdict => {
    const { user, namespace, path } = attributes
    const missing: string[] = []
    const held = [...heldIn(user, '', missing), ...(namespace && path === undefined ? heldIn(user, namespace, missing) : [])]
    const refusal: AccessDecision = { decision: 'noOpinion', reason: missing.length > 0 ? `RBAC: ${missing.join(', ')}` : '' }
    const fitting = held.filter(({ rule }) => (path === undefined ? ruleAllowsResource(rule, attributes) : ruleAllows(rule, attributes)))
    const always = fitting.find(({ rule }) => !rule.resourceNames?.length)
    return { always: always && { decision: 'allow', reason: always.reason }, named: always ? [] : fitting, refusal }
  }

  return {
    name: 'RBAC',
    authorize(attributes) {
      const { verb, group, resource, subresource, namespace, path, user } = attributes
      const question = path === undefined ? `${verb} ${group}/${resource}/${subresource}/${namespace}` : `${verb} ${path}`
      const { verdicts } = memoryOf(user)
      let verdict = verdicts.get(question)
      if (!verdict) {
        verdict = decide(attributes)
        if (verdicts.size >= REMEMBERED) verdicts.clear()
        verdicts.set(question, verdict)
      }
      if (verdict.always) return verdict.always
      const named = verdict.named.find(({ rule }) => nameMatches(rule, attributes.name))
      return named ? { decision: 'allow', reason: named.reason } : verdict.refusal
    },
    rulesOf: (user, namespace) => [...heldIn(user, ''), ...(namespace ? heldIn(user, namespace) : [])].map(({ rule }) => rule),
  }
}
