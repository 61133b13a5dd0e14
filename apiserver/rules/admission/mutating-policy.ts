import { mutationExpressions, mutationPrograms } from '../../../shared/cel/mutation-programs.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  MatchResources,
  MutatingAdmissionPolicyBindingSpec,
  MutatingAdmissionPolicySpec,
  Mutation,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { expressionProblems, sharedPolicyProblems } from './policy.ts'
import { bindingProblems } from './policy-binding.ts'

/** Of a deletion there is nothing to change. */
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE']
const REINVOCATION = ['Never', 'IfNeeded']
const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch']

/** A policy that can be followed: everything is there, and all its expressions compile. */
export function* mutatingPolicyProblems(spec: MutatingAdmissionPolicySpec): Generator<FieldProblem> {
  const { matchConstraints, mutations = [], reinvocationPolicy } = spec
  yield* sharedPolicyProblems(spec)
  yield* operationProblems(matchConstraints, 'spec.matchConstraints')
  if (mutations.length === 0) yield fieldProblem.required('spec.mutations', 'mutations must contain at least one item')
  for (const [index, mutation] of mutations.entries()) yield* mutationProblems(mutation, `spec.mutations[${index}]`)
  if (!reinvocationPolicy) yield fieldProblem.required('spec.reinvocationPolicy')
  else if (!REINVOCATION.includes(reinvocationPolicy)) {
    yield fieldProblem.notSupported('spec.reinvocationPolicy', reinvocationPolicy, REINVOCATION)
  }
  yield* expressionProblems(mutationExpressions(mutationPrograms(spec)))
}

/** What puts one into force. */
export function* mutatingBindingProblems(spec: MutatingAdmissionPolicyBindingSpec): Generator<FieldProblem> {
  yield* bindingProblems(spec)
  yield* operationProblems(spec.matchResources, 'spec.matchResources')
}

function* operationProblems(match: MatchResources | undefined, path: string): Generator<FieldProblem> {
  for (const { operations = [] } of match?.resourceRules ?? []) {
    for (const operation of operations) {
      if (!OPERATIONS.includes(operation)) yield fieldProblem.notSupported(`${path}.resourceRules.operations`, operation, OPERATIONS)
    }
  }
}

/** Just the one of the two that the patch type names. */
function* mutationProblems({ patchType, applyConfiguration, jsonPatch }: Mutation, path: string): Generator<FieldProblem> {
  const patches = [
    { type: 'ApplyConfiguration', field: 'applyConfiguration', patch: applyConfiguration },
    { type: 'JSONPatch', field: 'jsonPatch', patch: jsonPatch },
  ]
  if (!patchType) yield fieldProblem.required(`${path}.patchType`)
  else if (!PATCH_TYPES.includes(patchType)) yield fieldProblem.notSupported(`${path}.patchType`, patchType, PATCH_TYPES)
  else {
    for (const { type, field, patch } of patches) {
      const at = `${path}.${field}`
      if (type !== patchType) {
        if (patch) yield fieldProblem.invalid(at, `{${field}}`, `must not be specified when patchType is ${patchType}`)
      } else if (!patch) yield fieldProblem.required(at, `must be specified when patchType is ${patchType}`)
      else if (!patch.expression?.trim()) yield fieldProblem.required(`${at}.expression`)
    }
  }
}
