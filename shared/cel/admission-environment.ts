import { type Environment, environmentOf } from './environment.ts'
import { authorizerType, resourceType } from './functions/authorizer.ts'
import { jsonPointers } from './functions/json-pointer.ts'
import { patchObjects } from './patch-types.ts'
import { namespaceType, requestType } from './schema-types.ts'
import { type CelType, dyn } from './type.ts'

export interface AdmissionVariables {
  /** Whether the policy has parameters. */
  readonly params?: boolean
  /** What `object` and `oldObject` are; default: known when they come. */
  readonly object?: CelType
  /** `variables`, with those that the expression may use. */
  readonly variables?: CelType
  /** Whether it may make objects and patches. */
  readonly patches?: boolean
}

/** What expressions of admission policies and match conditions may speak of. */
export function admissionEnvironment({ params = false, object = dyn, variables, patches = false }: AdmissionVariables = {}): Environment {
  const known = {
    ...{ object, oldObject: object, request: requestType, namespaceObject: namespaceType },
    ...(params ? { params: dyn } : {}),
    ...{ authorizer: authorizerType, 'authorizer.requestResource': resourceType },
    ...(variables ? { variables } : {}),
  }
  return environmentOf(known, patches ? { objects: patchObjects, functions: jsonPointers } : {})
}
