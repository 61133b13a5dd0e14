import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import { nodeNameOf, systemGroup } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { AccessAttributes, AccessDecision, Authorizer } from './authorizer.ts'
import { type Grants, grantChecks } from './escalation.ts'
import { forbiddenRequest } from './forbidden.ts'
import { ingressAuthorizer } from './ingress.ts'
import { nodeAuthorizer } from './node.ts'
import { PolicyIndex } from './policy-index.ts'
import { rbacAuthorizer } from './rbac.ts'

export interface Authorization {
  /** The answer and its reason, for reviews. */
  readonly authorize: ResourceServices['authorize']
  /** Tells `audit` what was decided; answers what allows it. @throws StatusError Forbidden, saying who may not do what, and why as far as it is known. */
  require(attributes: AccessAttributes, audit?: AuditTrail): string
  readonly rulesFor: ResourceServices['rulesFor']
  readonly grants: Grants
}

const MASTERS_RULES: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** May they: masters, then nodes, then ingress, then roles; the first that allows or denies decides, and without one the answer is no. */
export function createAuthorization(reader: ObjectReader): Authorization {
  const index = new PolicyIndex()
  index.follow(reader)
  const rbac = rbacAuthorizer(index)
  const inOrder: readonly Authorizer[] = [mastersAuthorizer, nodeAuthorizer(reader), ingressAuthorizer(reader), rbac]
  const authorize = (attributes: AccessAttributes) => firstDecision(inOrder, attributes)
  const rulesOf = (user: User, namespace: string) => (isMaster(user) ? MASTERS_RULES : rbac.rulesOf(user, namespace))
  return {
    authorize,
    require(attributes, audit) {
      const { decision, reason } = authorize(attributes)
      audit?.authorized(decision === 'allow' ? 'allow' : 'forbid', reason)
      if (decision !== 'allow') throw forbiddenRequest(attributes, reason)
      return reason
    },
    rulesFor(user, namespace) {
      // A role that gathers others' rules also has them written into it: each is told once.
      const rules = [...new Map(rulesOf(user, namespace).map((rule) => [JSON.stringify(rule), rule])).values()]
      return {
        resourceRules: rules.filter((rule) => rule.resources?.length).map(resourceHalf),
        nonResourceRules: rules
          .filter((rule) => rule.nonResourceURLs?.length)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        // What a node may do depends on its Pods and cannot be listed.
        ...(nodeNameOf(user) === undefined ? {} : { evaluationError: 'node authorizer does not support user rule resolution' }),
      }
    },
    grants: grantChecks({ authorize, rulesOf, roleRules: (role, namespace) => index.rulesOf(role, namespace) }),
  }
}

/** They founded the cluster: no policy can lock them out. */
const mastersAuthorizer: Authorizer = {
  name: 'system:masters',
  authorize: ({ user }) => ({ decision: isMaster(user) ? 'allow' : 'noOpinion', reason: '' }),
}

const isMaster = ({ groups }: User) => groups.includes(systemGroup.masters)

function firstDecision(authorizers: readonly Authorizer[], attributes: AccessAttributes): AccessDecision {
  let reasons = ''
  for (const authorizer of authorizers) {
    const answer = authorizer.authorize(attributes)
    if (answer.decision !== 'noOpinion') return answer
    if (answer.reason) reasons = reasons ? `${reasons}\n${answer.reason}` : answer.reason
  }
  return { decision: 'noOpinion', reason: reasons }
}

function resourceHalf({ verbs, apiGroups, resources, resourceNames }: PolicyRule): object {
  return { verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) }
}
