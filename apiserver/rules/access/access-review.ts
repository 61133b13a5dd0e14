import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { UserInfo } from '../../../shared/openapi/generated/authentication-v1.ts'
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '../../../shared/openapi/generated/authorization-v1.ts'
import type { User } from '../../authn/user.ts'
import type { AccessDecision } from '../../authz/authorizer.ts'
import type { ResourceServices } from '../../registry/define-resource.ts'

interface Question {
  resourceAttributes?: ResourceAttributes | undefined
  nonResourceAttributes?: NonResourceAttributes | undefined
}

/** A question is about a resource or about a path, never both. */
export function* questionProblems(spec: Question): Generator<FieldProblem> {
  if (spec.resourceAttributes && spec.nonResourceAttributes) {
    yield fieldProblem.invalid(
      'spec.nonResourceAttributes',
      spec.nonResourceAttributes,
      'cannot be specified in combination with resourceAttributes',
    )
  }
  if (!spec.resourceAttributes && !spec.nonResourceAttributes) {
    yield fieldProblem.invalid(
      'spec.resourceAttributes',
      null,
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    )
  }
}

/** Asked about somebody, there must be somebody. */
export function* subjectProblems(spec: SubjectAccessReviewSpec): Generator<FieldProblem> {
  yield* questionProblems(spec)
  if (!spec.user && !spec.groups?.length)
    yield fieldProblem.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')
}

/** Puts the question to the authorisers. */
export function answerAccess(authorize: ResourceServices['authorize'], user: User, question: Question): SubjectAccessReviewStatus {
  const { resourceAttributes: resource, nonResourceAttributes: path } = question
  const decision = authorize({
    user,
    verb: resource?.verb ?? path?.verb ?? '',
    group: resource?.group ?? '',
    version: resource?.version ?? '',
    resource: resource?.resource ?? '',
    subresource: resource?.subresource ?? '',
    namespace: resource?.namespace ?? '',
    name: resource?.name ?? '',
    path: resource ? undefined : (path?.path ?? ''),
  })
  return statusOf(decision)
}

function statusOf({ decision, reason }: AccessDecision): SubjectAccessReviewStatus {
  return {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason ? { reason } : {}),
  }
}

/** The user a review speaks of. */
export function subjectOf(spec: SubjectAccessReviewSpec): User {
  return { name: spec.user ?? '', uid: spec.uid, groups: spec.groups ?? [], extra: spec.extra }
}

/** A user as answers spell it. */
export function userInfo(user: User): UserInfo {
  const extra = Object.entries(user.extra ?? {}).map(([key, values]): [string, string[]] => [key, [...values]])
  return {
    username: user.name,
    ...(user.uid ? { uid: user.uid } : {}),
    ...(user.groups.length > 0 ? { groups: [...user.groups] } : {}),
    ...(extra.length > 0 ? { extra: Object.fromEntries(extra) } : {}),
  }
}
