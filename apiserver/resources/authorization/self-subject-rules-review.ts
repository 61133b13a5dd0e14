import { StatusError } from '../../../shared/errors/status-error.ts'
import type { NonResourceRule, ResourceRule } from '../../../shared/openapi/generated/authorization-v1.ts'
import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'

export default ({ rulesFor }: ResourceServices) =>
  defineResource('authorization.k8s.io/v1', 'SelfSubjectRulesReview', {
    answer(review, { user }) {
      const { namespace } = review.spec
      if (!namespace) throw new StatusError('BadRequest', 'no namespace on request')
      const { resourceRules, nonResourceRules } = rulesFor(user, namespace)
      return {
        ...review,
        status: {
          resourceRules: resourceRules as ResourceRule[],
          nonResourceRules: nonResourceRules as NonResourceRule[],
          // Not every authoriser can list what it allows (the node authoriser decides object by object).
          incomplete: user.groups.includes('system:nodes'),
        },
      }
    },
  })
