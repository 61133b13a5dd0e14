import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { RuleWithOperations } from '../../../shared/openapi/generated/admissionregistration-v1.ts'

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']

/** Which requests a webhook or a policy is asked about is said in full, and not twice. */
export function* operationRuleProblems(rule: RuleWithOperations, path: string): Generator<FieldProblem> {
  const { operations = [], apiGroups = [], apiVersions = [], scope } = rule
  yield* listProblems(operations, `${path}.operations`, 'operations')
  for (const [index, operation] of operations.entries()) {
    if (!OPERATIONS.includes(operation)) yield fieldProblem.notSupported(`${path}.operations[${index}]`, operation, OPERATIONS)
  }
  yield* listProblems(apiGroups, `${path}.apiGroups`, 'API groups')
  yield* listProblems(apiVersions, `${path}.apiVersions`, 'API versions')
  for (const [index, version] of apiVersions.entries()) {
    if (version === '') yield fieldProblem.required(`${path}.apiVersions[${index}]`)
  }
  yield* resourceProblems(rule.resources ?? [], `${path}.resources`)
  if (scope !== undefined && !SCOPES.includes(scope)) yield fieldProblem.notSupported(`${path}.scope`, scope, SCOPES)
}

function* listProblems(list: readonly string[], path: string, what: string): Generator<FieldProblem> {
  if (list.length === 0) yield fieldProblem.required(path)
  if (list.length > 1 && list.includes('*')) yield fieldProblem.invalid(path, list, `if '*' is present, must not specify other ${what}`)
}

/** `pods`, `pods/*`, `*`/`scale`…; of two that say the same one is a mistake. */
function* resourceProblems(resources: readonly string[], path: string): Generator<FieldProblem> {
  if (resources.length === 0) yield fieldProblem.required(path)
  const allOf = new Set<string>()
  const everywhere = new Set<string>()
  for (const [index, text] of resources.entries()) {
    const at = `${path}[${index}]`
    if (text === '') yield fieldProblem.required(at)
    const slash = text.indexOf('/')
    if (slash < 0) continue
    const resource = text.slice(0, slash)
    const subresource = text.slice(slash + 1)
    if (allOf.has(resource)) yield fieldProblem.invalid(at, text, `if '${resource}/*' is present, must not specify ${text}`)
    if (everywhere.has(subresource)) yield fieldProblem.invalid(at, text, `if '*/${subresource}' is present, must not specify ${text}`)
    if (subresource === '*') allOf.add(resource)
    if (resource === '*') everywhere.add(subresource)
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    yield fieldProblem.invalid(path, resources, "if '*/*' is present, must not specify other resources")
  }
  if (resources.includes('*') && resources.some((text) => text !== '*' && text !== '' && !text.includes('/'))) {
    yield fieldProblem.invalid(path, resources, "if '*' is present, must not specify other resources without subresources")
  }
}
