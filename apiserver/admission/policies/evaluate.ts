import type { Activation } from '../../../shared/cel/compiler.ts'
import { jsonValue } from '../../../shared/cel/json-value.ts'
import { celLimits } from '../../../shared/cel/limits.ts'
import type { PolicyExpression, SharedPrograms } from '../../../shared/cel/policy-expression.ts'
import { CelError, CelMap, type Value } from '../../../shared/cel/value.ts'
import type { KubeObject } from '../../../shared/objects/object.ts'

/** What all expressions of one policy may cost for one request, and what of it is left. */
export class Spending {
  #left: number = celLimits.requestCost
  #leftForConditions: number = celLimits.matchConditionsCost

  /** The value of an expression; an error where it has none, did not compile, or costs too much. */
  evaluate({ compiled }: PolicyExpression, activation: Activation): Value {
    if ('problems' in compiled) return new CelError(`compilation error: ${compiled.problems}`)
    const { value, cost, isExceeded } = compiled.evaluate(activation, this.#left)
    this.#left -= cost
    if (this.#left > 0) return value
    return isExceeded ? new CelError('validation failed due to running out of cost budget, no further validation rules will be run') : value
  }

  /** For what is done with a value. */
  charge(cost: number): void {
    this.#left -= cost
  }

  /** `evaluate` for a match condition; these have a budget of their own. */
  evaluateCondition({ compiled }: PolicyExpression, activation: Activation): Value {
    if ('problems' in compiled) return new CelError(`compilation error: ${compiled.problems}`)
    const { value, cost } = compiled.evaluate(activation, this.#leftForConditions)
    this.#leftForConditions -= cost
    return value
  }
}

/** `variables`: each is evaluated when it is first asked for, and then kept. */
export class PolicyVariables extends CelMap {
  readonly #expressions: ReadonlyMap<string, PolicyExpression>
  readonly #spending: Spending
  readonly #activation: Activation
  readonly #known = new Map<string, Value>()

  constructor(variables: SharedPrograms['variables'], spending: Spending, activation: Activation) {
    super()
    this.#expressions = new Map(variables.map((each) => [each.name, each]))
    this.#spending = spending
    this.#activation = { get: (name) => (name === 'variables' ? this : activation.get(name)) }
  }

  override get size(): number {
    return this.#expressions.size
  }

  override get(key: Value): Value | undefined {
    const expression = typeof key === 'string' ? this.#expressions.get(key) : undefined
    if (!expression || typeof key !== 'string') return undefined
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const value = this.#spending.evaluate(expression, this.#activation)
    const told =
      value instanceof CelError ? new CelError(`composited variable ${JSON.stringify(key)} fails to evaluate: ${value.message}`) : value
    this.#known.set(key, told)
    return told
  }

  override keys(): Iterable<Value> {
    return this.#expressions.keys()
  }
}

/** Whether the match conditions let a policy see the request; an error where none says no and one could not be evaluated. */
export function conditionsHold(
  conditions: SharedPrograms['matchConditions'],
  activation: Activation,
  spending: Spending,
): boolean | CelError {
  let failure: CelError | undefined
  for (const condition of conditions) {
    const value = spending.evaluateCondition(condition, activation)
    if (value === false) return false
    if (value !== true) failure ??= value instanceof CelError ? value : new CelError(`condition '${condition.name}' is not a boolean`)
  }
  return failure ?? true
}

/**
 * What expressions of a policy may speak of, with one of its parameters and its variables; false where its match conditions do not want the
 * request, an error where they cannot be evaluated.
 */
export function policyValues(
  values: ReadonlyMap<string, Value>,
  param: KubeObject | undefined,
  programs: SharedPrograms,
  spending: Spending,
): ReadonlyMap<string, Value> | false | CelError {
  const holds = conditionsHold(programs.matchConditions, withParam(values, param), spending)
  return holds === true ? withVariables(values, param, programs, spending) : holds
}

/** The same without asking match conditions. No variable is evaluated yet. */
export function withVariables(
  values: ReadonlyMap<string, Value>,
  param: KubeObject | undefined,
  { variables }: SharedPrograms,
  spending: Spending,
): ReadonlyMap<string, Value> {
  const given = withParam(values, param)
  return given.set('variables', new PolicyVariables(variables, spending, given))
}

function withParam(values: ReadonlyMap<string, Value>, param: KubeObject | undefined): Map<string, Value> {
  return new Map(values).set('params', jsonValue(param ?? null))
}
