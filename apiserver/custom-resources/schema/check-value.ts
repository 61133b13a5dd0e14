import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { below, type Check, typeProblem } from './check.ts'
import { checkAlternatives } from './check-alternatives.ts'
import { CheckBudget, tooCostly } from './check-budget.ts'
import { checkList } from './check-list.ts'
import { checkNumber, checkText } from './check-scalar.ts'
import { canonical, type Shape } from './shape.ts'

/** As many are kept of one walk; the answer tells fewer. */
const KEPT_PROBLEMS = 200

/** What is wrong with a value at a path by its shape, in the words of upstream's validator (kube-openapi, apiextensions' mapping). */
export function shapeProblems(value: unknown, shape: Shape, path: string): FieldProblem[] {
  const check: Check = { budget: new CheckBudget(), found: [], walk: checkValue }
  checkValue(value, shape, path, check)
  return check.budget.isSpent ? [tooCostly(path)] : check.found
}

/** One place and all below it. */
function checkValue(value: unknown, shape: Shape, path: string, check: Check): void {
  const { budget, found } = check
  if (!budget.spend(1) || found.length > KEPT_PROBLEMS) return
  if (value === undefined || (value === null && shape.isNullable)) return
  const type = jsonType(value)
  if (!isOfType(type, shape)) {
    const wanted = shape.isIntOrString ? 'integer,string' : shape.type
    found.push(typeProblem(path, type, `${path} in body must be of type ${wanted}: ${JSON.stringify(type)}`))
    return
  }
  if (shape.enum && !isInEnum(value, shape.enum.texts, budget)) found.push(fieldProblem.notSupported(path, value, shape.enum.shown))
  checkAlternatives(value, shape, path, check)
  if (typeof value === 'string') checkText(value, shape, path, check)
  else if (typeof value === 'number' || typeof value === 'bigint') checkNumber(value, shape, path, check)
  else if (Array.isArray(value)) checkList(value, shape, path, check)
  else if (typeof value === 'object' && value !== null) checkObject(value as Record<string, unknown>, shape, path, check)
}

function checkObject(value: Record<string, unknown>, shape: Shape, path: string, check: Check): void {
  const { found } = check
  const keys = Object.keys(value).filter((key) => value[key] !== undefined)
  const { minProperties, maxProperties } = shape.bounds
  if (maxProperties !== undefined && keys.length > maxProperties) found.push(fieldProblem.tooMany(path, keys.length, maxProperties))
  if (minProperties !== undefined && keys.length < minProperties) {
    found.push(fieldProblem.invalid(path, minProperties, `${path} in body should have at least ${minProperties} properties`))
  }
  for (const name of shape.required) {
    if (!Object.hasOwn(value, name) || value[name] === undefined) found.push(fieldProblem.required(below(path, name)))
  }
  const { values } = shape
  for (const key of keys) {
    const own = shape.properties.get(key) ?? (values === 'any' ? undefined : values)
    if (own) checkValue(value[key], own, below(path, key), check)
  }
  if (shape.isEmbedded) checkEmbedded(value, path, found)
}

/** An object inside an object is known by its type, too. */
function checkEmbedded({ apiVersion, kind }: Record<string, unknown>, path: string, found: FieldProblem[]): void {
  for (const [name, value] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ] as const) {
    if (value === undefined || value === '') found.push(fieldProblem.required(below(path, name), 'must not be empty'))
    else if (typeof value !== 'string') found.push(fieldProblem.invalid(below(path, name), value, 'must be a string'))
  }
}

/** What upstream's validator calls the type of a value. */
function jsonType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value === 'bigint' ? 'integer' : typeof value
}

function isOfType(type: string, shape: Shape): boolean {
  if (shape.isIntOrString) return type === 'integer' || type === 'string'
  return shape.type === '' || shape.type === type || (shape.type === 'number' && type === 'integer')
}

function isInEnum(value: unknown, texts: ReadonlySet<string>, budget: CheckBudget): boolean {
  const text = canonical(value)
  budget.spend(text.length / 16)
  return texts.has(text)
}
