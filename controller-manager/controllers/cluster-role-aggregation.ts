import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { aggregatedRules, hasRules } from '../plans/aggregated-rules.ts'

/**
 * Writes into each ClusterRole with an aggregation rule the rules of the roles it selects. The API server counts them without that
 * (`apiserver/authz/policy-index.ts`); people and `kubectl describe` read them here.
 */
export default defineController({
  name: 'clusterrole-aggregation',
  reconciles: ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  create({ informers, client, signal }) {
    const roles = informers.of('rbac.authorization.k8s.io/v1', 'ClusterRole')
    return {
      watch(enqueue) {
        roles.onChange(() => {
          for (const { aggregationRule, metadata } of roles.cache.list()) if (aggregationRule) enqueue(metadata.name ?? '')
        })
      },
      async reconcile(key) {
        const role = roles.cache.get(key)
        const rules = role && aggregatedRules(role, roles.cache.list())
        if (!rules || role.metadata.deletionTimestamp !== undefined || hasRules(role, rules)) return
        try {
          await client.update('rbac.authorization.k8s.io/v1', 'ClusterRole', { ...role, rules }, { signal })
        } catch (error) {
          // A newer state of the role is on its way, and wakes this loop.
          if (!hasReason(error, 'Conflict') && !hasReason(error, 'NotFound')) throw error
        }
      },
    }
  },
})
