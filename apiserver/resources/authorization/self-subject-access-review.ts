import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { answerAccess, questionProblems } from '../../rules/access/access-review.ts'

export default ({ authorize }: ResourceServices) =>
  defineResource('authorization.k8s.io/v1', 'SelfSubjectAccessReview', {
    validate: ({ spec }) => questionProblems(spec),
    answer: (review, { user }) => ({ ...review, status: answerAccess(authorize, user, review.spec) }),
  })
