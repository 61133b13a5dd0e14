import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { answerAccess, subjectOf, subjectProblems } from '../../rules/access/access-review.ts'

export default ({ authorize }: ResourceServices) =>
  defineResource('authorization.k8s.io/v1', 'SubjectAccessReview', {
    validate: ({ spec }) => subjectProblems(spec),
    answer: (review) => ({ ...review, status: answerAccess(authorize, subjectOf(review.spec), review.spec) }),
  })
