import type { Activation } from '../../../shared/cel/compiler.ts'
import { celLimits } from '../../../shared/cel/limits.ts'
import type { PolicyExpression, PolicyPrograms } from '../../../shared/cel/policy-programs.ts'
import { CelError, CelMap, type Value } from '../../../shared/cel/value.ts'

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

  /** The same for a match condition; these have a budget of their own. */
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

  constructor(variables: PolicyPrograms['variables'], spending: Spending, activation: Activation) {
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
  conditions: PolicyPrograms['matchConditions'],
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

/** What a validation that does not hold says. */
export interface Failure {
  readonly message: string
  readonly reason: string
  /** It could not be evaluated: the failure policy decides. */
  readonly isError: boolean
}

const LINE_BREAK = /[\n\r]/
/** Upstream's bound of a message that an expression makes, in bytes. */
const LONGEST_MESSAGE = 5 * 1024

/** The validations and audit annotations that fail. Annotations are evaluated and go nowhere: there is no audit log. */
export function failuresOf(
  { validations, auditAnnotations }: PolicyPrograms,
  texts: readonly { readonly message?: string | undefined; readonly reason?: string | undefined }[],
  activation: Activation,
  spending: Spending,
): Failure[] {
  const failures: Failure[] = []
  for (const [index, validation] of validations.entries()) {
    const value = spending.evaluate(validation, activation)
    if (value === true) continue
    const { message = '', reason = 'Invalid' } = texts[index] ?? {}
    if (value !== false) {
      const why = value instanceof CelError ? value.message : 'it is not a boolean'
      failures.push({ message: `expression '${validation.source.trim()}' resulted in error: ${why}`, reason: 'Invalid', isError: true })
      continue
    }
    const own = validation.message && messageOf(validation.message, activation, spending)
    failures.push({
      message: own ?? (message.trim() || `failed expression: ${validation.source.trim()}`),
      reason: reason || 'Invalid',
      isError: false,
    })
  }
  for (const annotation of auditAnnotations) {
    const value = spending.evaluate(annotation, activation)
    if (!(value instanceof CelError)) continue
    failures.push({
      message: `expression '${annotation.source.trim()}' resulted in error: ${value.message}`,
      reason: 'Invalid',
      isError: true,
    })
  }
  return failures
}

/** What a message expression says; undefined where that cannot be shown, and the message stands in for it. */
function messageOf(expression: PolicyExpression, activation: Activation, spending: Spending): string | undefined {
  const value = spending.evaluate(expression, activation)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' || Buffer.byteLength(text) > LONGEST_MESSAGE || LINE_BREAK.test(text) ? undefined : text
}
