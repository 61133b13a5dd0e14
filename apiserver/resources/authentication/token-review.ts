import { hasReason, StatusError } from '../../../shared/errors/status-error.ts'
import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { userInfo } from '../../rules/access/access-review.ts'

export default ({ tokens }: ResourceServices) =>
  defineResource('authentication.k8s.io/v1', 'TokenReview', {
    async answer(review) {
      const { token, audiences = [] } = review.spec
      if (!token) throw new StatusError('BadRequest', 'token is required for TokenReview in authentication')
      try {
        const reviewed = await tokens.review(token, audiences)
        return { ...review, status: { authenticated: true, user: userInfo(reviewed.user), audiences: [...reviewed.audiences] } }
      } catch (error) {
        // A bad token is an answer, not a failure of the review.
        if (!hasReason(error, 'Unauthorized')) throw error
        return { ...review, status: { user: {}, error: error.message } }
      }
    },
  })
