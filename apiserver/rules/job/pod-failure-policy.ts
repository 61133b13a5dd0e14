import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  JobSpec,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from '../../../shared/openapi/generated/batch-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const OPERATORS = ['In', 'NotIn']
const STATUSES = ['False', 'True', 'Unknown']
const MOST_RULES = 20
const MOST_EXIT_CODES = 255
const MOST_PATTERNS = 20

/** `["Count" "FailIndex"]`, as Go prints a list. */
const validValues = (values: readonly string[]) => `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`

/** What becomes of a job when one of its pods fails in a certain way. */
export function* podFailurePolicyProblems(policy: PodFailurePolicy, spec: JobSpec, path: string): Generator<FieldProblem> {
  const { rules } = policy
  if (rules.length > MOST_RULES) yield fieldProblem.tooMany(`${path}.rules`, rules.length, MOST_RULES)
  const { containers, initContainers = [] } = spec.template.spec
  const names = new Set([...containers, ...initContainers].map(({ name }) => name))
  for (const [index, rule] of rules.entries()) yield* ruleProblems(rule, spec, names, `${path}.rules[${index}]`)
}

function* ruleProblems(rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, path: string): Generator<FieldProblem> {
  const { action, onExitCodes, onPodConditions = [] } = rule
  if (!action) yield fieldProblem.required(`${path}.action`, validValues(ACTIONS))
  else if (!ACTIONS.includes(action)) yield fieldProblem.notSupported(`${path}.action`, action, ACTIONS)
  else if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    yield fieldProblem.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set')
  }
  if (onExitCodes) yield* exitCodeProblems(onExitCodes, names, `${path}.onExitCodes`)
  yield* conditionProblems(onPodConditions, `${path}.onPodConditions`)
  if (onExitCodes && onPodConditions.length > 0) {
    yield fieldProblem.wrong(path, 'specifying both OnExitCodes and OnPodConditions is not supported')
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    yield fieldProblem.wrong(path, 'specifying one of OnExitCodes and OnPodConditions is required')
  }
}

function* conditionProblems(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: string): Generator<FieldProblem> {
  if (patterns.length > MOST_PATTERNS) yield fieldProblem.tooMany(path, patterns.length, MOST_PATTERNS)
  for (const [index, { type, status }] of patterns.entries()) {
    for (const problem of labelKeyProblems(type)) yield fieldProblem.invalid(`${path}[${index}].type`, type, problem)
    if (!status) yield fieldProblem.required(`${path}[${index}].status`, validValues(STATUSES))
    else if (!STATUSES.includes(status)) yield fieldProblem.notSupported(`${path}[${index}].status`, status, STATUSES)
  }
}

function* exitCodeProblems(
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
  path: string,
): Generator<FieldProblem> {
  if (!operator) yield fieldProblem.required(`${path}.operator`, validValues(OPERATORS))
  else if (!OPERATORS.includes(operator)) yield fieldProblem.notSupported(`${path}.operator`, operator, OPERATORS)
  if (containerName !== undefined && !names.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template'
    yield fieldProblem.invalid(`${path}.containerName`, containerName, detail)
  }
  if (values.length === 0) yield fieldProblem.invalid(`${path}.values`, values, 'at least one value is required')
  if (values.length > MOST_EXIT_CODES) yield fieldProblem.tooMany(`${path}.values`, values.length, MOST_EXIT_CODES)
  const seen = new Set<number>()
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) yield fieldProblem.invalid(`${path}.values[${index}]`, value, 'must not be 0 for the In operator')
    if (seen.has(value)) yield fieldProblem.duplicate(`${path}.values[${index}]`, value)
    seen.add(value)
  }
  if (values.some((value, index) => value < (values[index - 1] ?? value))) {
    yield fieldProblem.invalid(`${path}.values`, values, 'must be ordered')
  }
}
