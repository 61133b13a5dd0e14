import { jsonValue } from '../../../shared/cel/json-value.ts'
import { celLimits } from '../../../shared/cel/limits.ts'
import { none, OptionalValue, type Value } from '../../../shared/cel/value.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { own } from '../../../shared/objects/own.ts'
import { below } from '../schema/check.ts'
import { canonical, type Shape } from '../schema/shape.ts'
import type { CompiledRule, RuleTime } from './compile-rule.ts'
import type { RuleTree } from './rule-tree.ts'

/** Which rules are asked now: those of a new object, those of any object, those of a change. */
export type Occasion = 'create' | 'any' | 'change'

const times: Readonly<Record<Occasion, ReadonlySet<RuleTime>>> = {
  create: new Set<RuleTime>(['either']),
  any: new Set<RuleTime>(['always']),
  change: new Set<RuleTime>(['change', 'either']),
}

interface Walk {
  readonly occasion: Occasion
  readonly found: FieldProblem[]
  /** Cost that is left for all rules of one object. */
  left: number
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** What the rules of a schema say to a value. `previous` is what it was; asked of a change only. */
export function ruleProblems(tree: RuleTree, occasion: Occasion, value: unknown, previous?: unknown): FieldProblem[] {
  const walk: Walk = { occasion, found: [], left: celLimits.requestCost }
  visit(tree, value, previous, '', walk)
  return walk.found
}

function visit(tree: RuleTree, value: unknown, previous: unknown, path: string, walk: Walk): void {
  if (value === undefined || value === null || walk.left <= 0) return
  for (const why of walk.occasion === 'any' ? tree.unreadable : []) walk.found.push(fieldProblem.wrong(path, `rule compile error: ${why}`))
  for (const rule of tree.rules) ask(rule, tree, value, previous, path, walk)
  if (Array.isArray(value)) return visitItems(tree, value, previous, path, walk)
  if (typeof value !== 'object') return
  const object = value as Record<string, unknown>
  const before = isObject(previous) ? previous : undefined
  for (const [name, each] of tree.properties) visit(each, own(object, name), own(before, name), below(path, name), walk)
  if (!tree.values) return
  for (const key of Object.keys(object)) {
    if (!tree.shape.properties.has(key)) visit(tree.values, object[key], own(before, key), below(path, key), walk)
  }
}

function visitItems(tree: RuleTree, items: readonly unknown[], previous: unknown, path: string, walk: Walk): void {
  const { items: rules, shape } = tree
  if (!rules) return
  const before =
    Array.isArray(previous) && shape.listType === 'map' ? new Map(previous.map((item) => [keyOf(item, shape), item])) : undefined
  for (const [index, item] of items.entries()) visit(rules, item, before?.get(keyOf(item, shape)), `${path}[${index}]`, walk)
}

function keyOf(item: unknown, { listMapKeys }: Shape): string {
  return canonical(isObject(item) ? listMapKeys.map((name) => own(item, name) ?? null) : null)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ask(rule: CompiledRule, { type, shape }: RuleTree, value: unknown, previous: unknown, path: string, walk: Walk): void {
  if (!times[walk.occasion].has(rule.time) || walk.left <= 0) return
  const hasOld = previous !== undefined && previous !== null
  if (rule.time === 'change' && !hasOld) return
  const variables = new Map<string, Value>([['self', jsonValue(value, type)]])
  if (rule.time !== 'always') {
    const old = hasOld ? jsonValue(previous, type) : undefined
    variables.set('oldSelf', rule.time === 'either' ? (old === undefined ? none : new OptionalValue(old)) : old!)
  }
  const { value: answer, cost, isExceeded } = rule.program.evaluate(variables, walk.left)
  walk.left -= cost
  if (answer === true) return
  const at = rule.field === '' ? path : below(path, rule.field)
  if (isExceeded && walk.left <= 0) walk.found.push(fieldProblem.wrong(path, OUT_OF_BUDGET))
  else if (isExceeded) walk.found.push(told(rule, at, shape, `call cost exceeds limit for rule: ${rule.source.rule}`))
  else if (answer === false) walk.found.push(told(rule, at, shape, messageOf(rule, variables, walk)))
  else walk.found.push(told(rule, at, shape, `rule: ${rule.source.rule}: ${isMessage(answer) ? answer.message : 'has no answer'}`))
}

function isMessage(value: Value): value is Extract<Value, { message: string }> {
  return typeof value === 'object' && value !== null && 'message' in value
}

/** The rule's own words; its expression's where that has an answer of one line. */
function messageOf({ source, message }: CompiledRule, variables: ReadonlyMap<string, Value>, walk: Walk): string {
  if (message) {
    const { value, cost } = message.evaluate(variables, walk.left)
    walk.left -= cost
    if (typeof value === 'string' && value.trim() !== '' && value.length <= 5_120 && !value.includes('\n')) return value.trim()
  }
  return source.message?.trim() || `failed rule: ${source.rule.replaceAll('\n', ' ')}`
}

function told({ source }: CompiledRule, path: string, shape: Shape, sentence: string): FieldProblem {
  const value = shape.type || 'object'
  switch (source.reason) {
    case 'FieldValueForbidden':
      return fieldProblem.forbidden(path, sentence)
    case 'FieldValueRequired':
      return fieldProblem.required(path, sentence)
    case 'FieldValueDuplicate':
      return fieldProblem.duplicate(path, value)
    default:
      return fieldProblem.invalid(path, value, sentence)
  }
}
