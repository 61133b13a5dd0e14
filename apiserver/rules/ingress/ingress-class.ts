import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { IngressClassParametersReference, IngressClassSpec } from '../../../shared/openapi/generated/networking-v1.ts'
import { domainPathProblems } from '../../../shared/selectors/domain-path.ts'
import { byteLength } from '../../../shared/selectors/label-syntax.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { NONE } from '../table-cells.ts'
import { referenceProblems } from './reference.ts'

const CONTROLLER_LIMIT = 250
const SCOPES = ['Cluster', 'Namespace']

/** Who serves a class, and where its parameters are; as upstream's ValidateIngressClass. */
export function* ingressClassProblems({ controller = '', parameters }: IngressClassSpec): Generator<FieldProblem> {
  if (byteLength(controller) > CONTROLLER_LIMIT) yield fieldProblem.tooLong('spec.controller', CONTROLLER_LIMIT)
  yield* domainPathProblems(controller, 'spec.controller')
  if (parameters) yield* parametersProblems(parameters, 'spec.parameters')
}

function* parametersProblems(parameters: IngressClassParametersReference, path: string): Generator<FieldProblem> {
  yield* referenceProblems(parameters, path)
  const { scope, namespace } = parameters
  if (!scope) yield fieldProblem.required(`${path}.scope`)
  else if (!SCOPES.includes(scope)) yield fieldProblem.notSupported(`${path}.scope`, scope, SCOPES)
  else if (scope === 'Cluster') {
    if (namespace !== undefined) yield fieldProblem.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'")
  } else if (namespace === undefined) yield fieldProblem.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'")
  else for (const problem of dnsLabelProblems(namespace)) yield fieldProblem.invalid(`${path}.namespace`, namespace, problem)
}

/** `kind.group/name`, or `<none>`. */
export function parametersCell(parameters: IngressClassParametersReference | undefined): string {
  if (!parameters) return NONE
  return `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`
}
