import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes, AccessDecision, Authorizer } from './authorizer.ts'
import type { PolicyIndex } from './policy-index.ts'
import { nameMatches, ruleAllows, ruleAllowsResource } from './policy-rule.ts'
import { VerdictCache } from './verdict-cache.ts'

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

export interface Rbac extends Authorizer {
  /** All rules that the user holds in the namespace, cluster-wide ones included. */
  rulesOf(user: User, namespace: string): PolicyRule[]
}

/** Role based access control. Answers are remembered, so a request costs one map look-up after the first of its kind. */
export function rbacAuthorizer(index: PolicyIndex): Rbac {
  const verdicts = new VerdictCache<Verdict>()

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
      const verdict = verdicts.recall(attributes, index.generation, decide, weightOf)
      if (verdict.always) return verdict.always
      const named = verdict.named.find(({ rule }) => nameMatches(rule, attributes.name))
      return named ? { decision: 'allow', reason: named.reason } : verdict.refusal
    },
    rulesOf: (user, namespace) => [...heldIn(user, ''), ...(namespace ? heldIn(user, namespace) : [])].map(({ rule }) => rule),
  }
}

/** A verdict that rests on names keeps every rule that has some. */
function weightOf({ named, refusal }: Verdict): number {
  return named.length * 64 + refusal.reason.length * 2
}
