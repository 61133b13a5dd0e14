import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { policyTypeWarnings } from '../plans/policy-type-warnings.ts'

const API = 'admissionregistration.k8s.io/v1'

/** Writes into the status of each ValidatingAdmissionPolicy what in its expressions does not fit the kinds that it is about. Policies hold without it. */
export default defineController({
  name: 'validatingadmissionpolicy-status',
  reconciles: [API, 'ValidatingAdmissionPolicy'],
  create({ informers, client, signal }) {
    const policies = informers.of(API, 'ValidatingAdmissionPolicy')
    return {
      async reconcile(key) {
        const policy = policies.cache.get(key)
        if (!policy || policy.status.observedGeneration === policy.metadata.generation) return
        const expressionWarnings = policyTypeWarnings(policy.spec)
        const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {}
        const status = { ...policy.status, observedGeneration: policy.metadata.generation, typeChecking }
        try {
          await client.updateStatus(API, 'ValidatingAdmissionPolicy', { ...policy, status }, { signal })
        } catch (error) {
          // A newer state of the policy is on its way, and wakes this loop.
          if (!hasReason(error, 'Conflict') && !hasReason(error, 'NotFound')) throw error
        }
      },
    }
  },
})
