import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Container } from '../../../shared/openapi/generated/core-v1.ts'

/** Upstream's bounds. */
const MOST_RULES = 20
const MOST_VALUES = 255
/** What the kubelet does; restarting all containers of a pod is not there. */
const actions = ['Restart']
const operators = ['In', 'NotIn']

/** Exit codes after which a container is started again whatever its policy says. */
export function* restartRulesProblems({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: string): Generator<FieldProblem> {
  if (rules.length === 0) return
  const at = `${path}.restartPolicyRules`
  if (restartPolicy === undefined)
    yield fieldProblem.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used')
  if (rules.length > MOST_RULES) yield fieldProblem.tooMany(at, rules.length, MOST_RULES)
  for (const [index, { action = '', exitCodes }] of rules.entries()) {
    if (!actions.includes(action)) yield fieldProblem.notSupported(`${at}[${index}].action`, action, actions)
    if (!exitCodes) {
      yield fieldProblem.required(`${at}[${index}].exitCodes`, 'must be specified')
      continue
    }
    const { operator = '', values = [] } = exitCodes
    if (!operators.includes(operator)) yield fieldProblem.notSupported(`${at}[${index}].exitCodes.operator`, operator, operators)
    if (values.length > MOST_VALUES) yield fieldProblem.tooMany(`${at}[${index}].exitCodes.values`, values.length, MOST_VALUES)
    if (new Set(values).size !== values.length) yield fieldProblem.invalid(`${at}[${index}].exitCodes.values`, values, 'must be unique')
  }
}
