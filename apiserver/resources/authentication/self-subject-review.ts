import { defineResource } from '../../registry/define-resource.ts'
import { userInfo } from '../../rules/access/access-review.ts'

export default defineResource('authentication.k8s.io/v1', 'SelfSubjectReview', {
  answer: (review, { user }) => ({ ...review, status: { userInfo: userInfo(user) } }),
})
