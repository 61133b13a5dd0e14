import type { MutatingAdmissionPolicySpec, Mutation } from '../openapi/generated/admissionregistration-v1.ts'
import { admissionEnvironment } from './admission-environment.ts'
import type { Environment } from './environment.ts'
import { configurationType, jsonPatchType } from './patch-types.ts'
import { answering, type PolicyExpression, type SharedPrograms, sharedPrograms } from './policy-expression.ts'
import { compile } from './program.ts'
import { type CelType, listOf } from './type.ts'

/** One mutation: an expression that answers a configuration to apply, or the operations of a JSON patch. */
export interface MutationProgram extends PolicyExpression {
  readonly isJsonPatch: boolean
}

/** The expressions of a MutatingAdmissionPolicy. */
export interface MutationPrograms extends SharedPrograms {
  readonly mutations: readonly MutationProgram[]
}

type MutationExpressions = Pick<MutatingAdmissionPolicySpec, 'variables' | 'matchConditions' | 'mutations' | 'paramKind'>

/** All expressions of a policy, compiled. */
export function mutationPrograms(spec: MutationExpressions): MutationPrograms {
  const { programs, given } = sharedPrograms(spec)
  const environment = admissionEnvironment({ ...given, patches: true })
  return { ...programs, mutations: (spec.mutations ?? []).map((each, index) => programOf(each, `spec.mutations[${index}]`, environment)) }
}

/** Every expression of it, in the order of the fields. */
export function mutationExpressions({ variables, matchConditions, mutations }: MutationPrograms): PolicyExpression[] {
  return [...matchConditions, ...variables, ...mutations]
}

function programOf({ patchType, applyConfiguration, jsonPatch }: Mutation, path: string, environment: Environment): MutationProgram {
  if (patchType === 'JSONPatch') {
    const expression = patchOf(`${path}.jsonPatch.expression`, jsonPatch?.expression, environment, listOf(jsonPatchType))
    return { ...expression, isJsonPatch: true }
  }
  const at = `${path}.applyConfiguration.expression`
  return { ...patchOf(at, applyConfiguration?.expression, environment, configurationType), isJsonPatch: false }
}

/** Unlike elsewhere `dyn` will not do: what a patch is has to be known when it is written. */
function patchOf(path: string, source = '', environment: Environment, wanted: CelType): PolicyExpression {
  const program = compile(source.trim(), environment)
  return { path, source, compiled: 'problems' in program ? program : answering(program, [wanted]) }
}
