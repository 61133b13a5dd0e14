import { type MutationPrograms, mutationPrograms } from '../../../shared/cel/mutation-programs.ts'
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import type { User } from '../../authn/user.ts'
import type { AdmissionRule } from '../admission.ts'
import { BoundPolicies } from './bound-policies.ts'
import { MutationRounds } from './mutation-rounds.ts'
import type { RequestTools } from './request-values.ts'

const API = 'admissionregistration.k8s.io/v1'

export interface MutatingPolicyTools extends RequestTools {
  /** Whose writes no policy changes: the server itself, which must be able to start whatever policies say. */
  readonly self: User
}

/** MutatingAdmissionPolicy: the policies that bindings put into force change the object one after the other, each seeing what those before it made. */
export function mutatingPolicies(tools: MutatingPolicyTools): AdmissionRule {
  const policies = new BoundPolicies<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutationPrograms>(
    {
      bindingKind: 'MutatingAdmissionPolicyBinding',
      bindings: (reader) => reader.list(API, 'MutatingAdmissionPolicyBinding'),
      policy: (reader, name) => reader.get(API, 'MutatingAdmissionPolicy', { name }),
      compile: mutationPrograms,
    },
    tools.table,
  )
  return {
    name: 'MutatingAdmissionPolicy',
    mutate(request) {
      // Of a deletion there is nothing to change.
      if (request.operation === 'DELETE' || request.user === tools.self) return undefined
      const bindings = policies.bindingsFor(request)
      return bindings.length === 0 ? undefined : new MutationRounds(policies, bindings, request, tools).first()
    },
  }
}
