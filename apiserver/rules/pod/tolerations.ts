import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Toleration } from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems, labelValueProblems } from '../../../shared/selectors/label-syntax.ts'

const effects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function* tolerationsProblems(tolerations: readonly Toleration[], path: string): Generator<FieldProblem> {
  for (const [index, toleration] of tolerations.entries()) {
    const at = `${path}[${index}]`
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration
    if (key !== '') for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${at}.key`, key, problem)
    if (key === '' && operator !== 'Exists') {
      yield fieldProblem.invalid(
        `${at}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      )
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      yield fieldProblem.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    }
    if (operator === '' || operator === 'Equal') {
      for (const problem of labelValueProblems(value)) yield fieldProblem.invalid(`${at}.operator`, value, problem)
    } else if (operator === 'Exists') {
      if (value !== '') yield fieldProblem.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'")
    } else yield fieldProblem.notSupported(`${at}.operator`, operator, ['Equal', 'Exists'])
    if (effect !== '' && !effects.includes(effect)) yield fieldProblem.notSupported(`${at}.effect`, effect, effects)
  }
}
