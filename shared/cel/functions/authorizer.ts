import { method, type Overload, opaque, string } from '../define.ts'
import { boolType, opaqueType, stringType } from '../type.ts'
import { Opaque } from '../value.ts'

/** Who may do what: the question that `check` asks. */
export interface AuthorizationQuestion {
  /** Of the service account asked about, in place of the request's user. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
  /** A path that is no resource; the rest is then empty. */
  readonly path?: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly verb: string
}

export interface AuthorizationAnswer {
  readonly allowed: boolean
  readonly reason: string
  /** Set where it could not be found out. */
  readonly error?: string
}

/** Answers at once: expressions do not wait. */
export type AuthorizationAsked = (question: AuthorizationQuestion) => AuthorizationAnswer

export const authorizerType = opaqueType('kubernetes.authorization.Authorizer')
const pathType = opaqueType('kubernetes.authorization.PathCheck')
const groupType = opaqueType('kubernetes.authorization.GroupCheck')
/** Of the variable `authorizer.requestResource`. */
export const resourceType = opaqueType('kubernetes.authorization.ResourceCheck')
const decisionType = opaqueType('kubernetes.authorization.Decision')
/** A question costs so much that an expression can ask only two. */
const CHECK_COST = 350_000
const nothingYet: AuthorizationQuestion = { group: '', resource: '', subresource: '', namespace: '', name: '', verb: '' }

abstract class Asking extends Opaque {
  readonly ask: AuthorizationAsked
  readonly question: AuthorizationQuestion

  constructor(ask: AuthorizationAsked, question: AuthorizationQuestion = nothingYet) {
    super()
    this.ask = ask
    this.question = question
  }

  override get identity(): string {
    return JSON.stringify(this.question)
  }
}

/** The variable `authorizer`. */
export class Authorizer extends Asking {
  override readonly type = authorizerType
}
class PathCheck extends Asking {
  override readonly type = pathType
}
class GroupCheck extends Asking {
  override readonly type = groupType
}
/** Also the variable `authorizer.requestResource`. */
export class ResourceCheck extends Asking {
  override readonly type = resourceType
}

class Decision extends Opaque {
  override readonly type = decisionType
  readonly answer: AuthorizationAnswer

  constructor(answer: AuthorizationAnswer) {
    super()
    this.answer = answer
  }

  override get identity(): string {
    return JSON.stringify(this.answer)
  }
}

const root = opaque(authorizerType, Authorizer)
const path = opaque(pathType, PathCheck)
const group = opaque(groupType, GroupCheck)
const resource = opaque(resourceType, ResourceCheck)
const decision = opaque(decisionType, Decision)
const asked = ({ ask, question }: Asking, verb: string) => new Decision(ask({ ...question, verb }))
const withPart = (check: ResourceCheck, part: Partial<AuthorizationQuestion>) =>
  new ResourceCheck(check.ask, { ...check.question, ...part })

/** Kubernetes' questions of who may do what. Selectors in questions are not there: they would be left out of the answer. */
export const authorization: readonly Overload[] = [
  method('path', [root, string], pathType, ([{ ask, question }, text]) => new PathCheck(ask, { ...question, path: text })),
  method('group', [root, string], groupType, ([{ ask, question }, text]) => new GroupCheck(ask, { ...question, group: text })),
  method(
    'serviceAccount',
    [root, string, string],
    authorizerType,
    ([{ ask, question }, namespace, name]) => new Authorizer(ask, { ...question, serviceAccount: { namespace, name } }),
  ),
  method('resource', [group, string], resourceType, ([{ ask, question }, text]) => new ResourceCheck(ask, { ...question, resource: text })),
  method('subresource', [resource, string], resourceType, ([check, text]) => withPart(check, { subresource: text })),
  method('namespace', [resource, string], resourceType, ([check, text]) => withPart(check, { namespace: text })),
  method('name', [resource, string], resourceType, ([check, text]) => withPart(check, { name: text })),
  method(
    'check',
    [path, string],
    decisionType,
    ([check, verb]) => asked(check, verb),
    () => CHECK_COST,
  ),
  method(
    'check',
    [resource, string],
    decisionType,
    ([check, verb]) => asked(check, verb),
    () => CHECK_COST,
  ),
  method('allowed', [decision], boolType, ([{ answer }]) => answer.allowed),
  method('reason', [decision], stringType, ([{ answer }]) => answer.reason),
  method('errored', [decision], boolType, ([{ answer }]) => answer.error !== undefined),
  method('error', [decision], stringType, ([{ answer }]) => answer.error ?? ''),
]
