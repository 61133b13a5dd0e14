import { check } from './checker.ts'
import { type Activation, Compiler } from './compiler.ts'
import type { Environment } from './environment.ts'
import { celLimits } from './limits.ts'
import { literalProblems } from './literal-checks.ts'
import { CostExceeded, Meter } from './meter.ts'
import { parse } from './parser.ts'
import { describeProblems } from './source.ts'
import type { CelType } from './type.ts'
import { CelError, type Value } from './value.ts'

/** An expression ready to be evaluated. */
export interface Program {
  readonly type: CelType
  /**
   * Evaluates, and answers with what it cost. Where the budget does not last, the value is an error and `isExceeded` is set.
   * @param budget default the limit of one evaluation; callers with a budget for several hand in what is left of it, if that is less
   */
  evaluate(activation: Activation, budget?: number): Evaluation
}

export interface Evaluation {
  readonly value: Value
  readonly cost: number
  readonly isExceeded: boolean
}

/** The expression ready to be evaluated, or why it cannot be: cel-go's words, a line for each problem, its source and a caret. */
export function compile(source: string, environment: Environment): Program | { readonly problems: string } {
  const parsed = parse(source)
  if ('problems' in parsed) return failed(source, parsed.problems)
  const { expression } = parsed
  const checked = check(expression, environment)
  if (checked.problems.length > 0) return failed(source, checked.problems)
  const literals = literalProblems(expression, checked)
  if (literals.length > 0) return failed(source, literals)
  const evaluate = new Compiler(checked).compile(expression)
  return {
    type: checked.type,
    evaluate(activation, budget = celLimits.callCost) {
      const meter = new Meter(Math.min(budget, celLimits.callCost))
      try {
        return { value: evaluate({ activation, meter, locals: [] }), cost: meter.spent, isExceeded: false }
      } catch (error) {
        if (!(error instanceof CostExceeded)) throw error
        return { value: new CelError(error.message), cost: meter.spent, isExceeded: true }
      }
    },
  }
}

function failed(source: string, problems: Parameters<typeof describeProblems>[1]): { problems: string } {
  return { problems: `compilation failed: ${describeProblems(source, problems)}` }
}
