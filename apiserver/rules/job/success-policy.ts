import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { SuccessPolicy, SuccessPolicyRule } from '../../../shared/openapi/generated/batch-v1.ts'
import { notNegative } from '../workload/replica-set.ts'
import { countIndexes, IndexListError, parseIndexList } from './index-list.ts'

const MOST_RULES = 20
const LONGEST_INDEXES = 64 * 1024

/** When an indexed job has done enough. `completions` are those of the job. */
export function* successPolicyProblems({ rules }: SuccessPolicy, completions: number, path: string): Generator<FieldProblem> {
  if (rules.length === 0) {
    yield fieldProblem.required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified')
  }
  if (rules.length > MOST_RULES) yield fieldProblem.tooMany(`${path}.rules`, rules.length, MOST_RULES)
  for (const [index, rule] of rules.entries()) yield* ruleProblems(rule, completions, `${path}.rules[${index}]`)
}

function* ruleProblems(
  { succeededIndexes, succeededCount }: SuccessPolicyRule,
  completions: number,
  path: string,
): Generator<FieldProblem> {
  if (succeededCount === undefined && succeededIndexes === undefined) {
    yield fieldProblem.required(path, 'at least one of succeededCount or succeededIndexes must be specified')
  }
  let total = 0
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > LONGEST_INDEXES) yield fieldProblem.tooLong(`${path}.succeededIndexes`, LONGEST_INDEXES)
    try {
      total = countIndexes(parseIndexList(succeededIndexes, completions))
    } catch (error) {
      if (!(error instanceof IndexListError)) throw error
      yield fieldProblem.invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${error.message}`)
    }
  }
  if (succeededCount === undefined) return
  yield* notNegative(succeededCount, `${path}.succeededCount`)
  const most = (limit: number, what: string) =>
    fieldProblem.invalid(`${path}.succeededCount`, succeededCount, `must be less than or equal to ${limit} (${what})`)
  if (succeededCount > completions) yield most(completions, 'the number of specified completions')
  if (succeededIndexes !== undefined && succeededCount > total) {
    yield most(total, 'the number of indexes in the specified succeededIndexes field')
  }
}
