import { StatusError } from '../../../shared/errors/status-error.ts'
import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { answerAccess, subjectOf, subjectProblems } from '../../rules/access/access-review.ts'

export default ({ authorize }: ResourceServices) =>
  defineResource('authorization.k8s.io/v1', 'LocalSubjectAccessReview', {
    validate: ({ spec }) => subjectProblems(spec),
    answer(review) {
      const { namespace } = review.metadata
      if (review.spec.resourceAttributes?.namespace !== namespace) {
        throw new StatusError('BadRequest', `spec.resourceAttributes.namespace must match namespace: ${namespace}`)
      }
      return { ...review, status: answerAccess(authorize, subjectOf(review.spec), review.spec) }
    },
  })
