import type { LabelSelector as LabelSelectorObject } from '../openapi/generated/meta-v1.ts'
import { parseRequirements } from './label-parser.ts'
import type { LabelOperator, LabelRequirement } from './label-requirement.ts'
import { labelKeyProblems, labelValueProblems } from './label-syntax.ts'
import { SelectorError } from './selector-error.ts'

export type Labels = Readonly<Record<string, string>> | undefined

/** All requirements must hold. Immutable. */
export class LabelSelector {
  /** Sorted by key. */
  readonly requirements: readonly LabelRequirement[]
  readonly #matchesNothing: boolean

  constructor(requirements: readonly LabelRequirement[], matchesNothing = false) {
    this.requirements = requirements
    this.#matchesNothing = matchesNothing
  }

  /** True for a selector that restricts nothing. */
  get empty(): boolean {
    return this.requirements.length === 0 && !this.#matchesNothing
  }

  matches(labels: Labels): boolean {
    return !this.#matchesNothing && this.requirements.every((requirement) => holds(requirement, labels))
  }

  /** The value a label must have, where the selector says so exactly; for lookups in an index. */
  requiredValue(key: string): string | undefined {
    const found = this.requirements.find(
      (each) => each.key === key && each.values.length === 1 && (each.operator === '=' || each.operator === '==' || each.operator === 'in'),
    )
    return found?.values[0]
  }

  /** The textual form that `parseLabelSelector` reads: `a=b,c in (d,e),!f`. */
  toString(): string {
    return this.requirements.map(requirementText).join(',')
  }
}

/** Matches every object. */
export const everything = new LabelSelector([])
/** Matches no object: what an absent LabelSelector object means. */
export const nothing = new LabelSelector([], true)

/** Parses the textual form (`labelSelector=` of a URL, `kubectl -l`). @throws SelectorError */
export function parseLabelSelector(text: string | undefined): LabelSelector {
  if (!text) return everything
  const requirements = parseRequirements(text).map(checked)
  return new LabelSelector(byKey(requirements))
}

/** The object form (`spec.selector` of a Deployment). Absent selects nothing, empty selects everything. @throws SelectorError */
export function labelSelectorFrom(object: LabelSelectorObject | undefined): LabelSelector {
  if (!object) return nothing
  const exact = requirementsOf(object.matchLabels)
  const expressions = (object.matchExpressions ?? []).map((expression): LabelRequirement => {
    const operator = operatorOf.get(expression.operator)
    if (!operator) throw new SelectorError(`${JSON.stringify(expression.operator)} is not a valid label selector operator`)
    return { key: expression.key, operator, values: expression.values ?? [] }
  })
  return new LabelSelector(byKey([...exact, ...expressions].map(checked)))
}

/** The plain map form (`spec.selector` of a Service): every label must be there. Absent and empty select everything; callers that mean "nothing" check first. */
export function labelSelectorFromMap(labels: Labels): LabelSelector {
  return new LabelSelector(byKey(requirementsOf(labels)))
}

const operatorOf: ReadonlyMap<string, LabelOperator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
])

function requirementsOf(labels: Labels): LabelRequirement[] {
  return Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] }))
}

function byKey(requirements: readonly LabelRequirement[]): LabelRequirement[] {
  return [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const present = labels !== undefined && Object.hasOwn(labels, key)
  const value = present ? labels[key]! : ''
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return present && values.includes(value)
    case '!=':
    case 'notin':
      return !present || !values.includes(value)
    case 'exists':
      return present
    case '!':
      return !present
    case 'gt':
    case 'lt': {
      const [left, right] = [wholeNumber(value), wholeNumber(values[0] ?? '')]
      if (!present || left === undefined || right === undefined) return false
      return operator === 'gt' ? left > right : left < right
    }
  }
}

/** A 64-bit integer as Go's strconv reads it; undefined for anything else. */
function wholeNumber(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const number = BigInt(text.replace(/^\+/, ''))
  return BigInt.asIntN(64, number) === number ? number : undefined
}

/** @throws SelectorError with all that is wrong, in the words of upstream's constructor. */
function checked(requirement: LabelRequirement): LabelRequirement {
  const { key, operator, values } = requirement
  const problems = labelKeyProblems(key).length ? [invalid('key', key, labelKeyProblems(key).join('; '))] : []
  const wrongValues = (detail: string) => problems.push(invalid('values', values, detail))
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    wrongValues("for 'in', 'notin' operators, values set can't be empty")
  }
  if ((operator === 'exists' || operator === '!') && values.length > 0)
    wrongValues('values set must be empty for exists and does not exist')
  if (operator === 'gt' || operator === 'lt') {
    for (const [index, value] of values.entries()) {
      if (wholeNumber(value) === undefined) {
        problems.push(invalid(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"))
      }
    }
  }
  for (const [index, value] of values.entries()) {
    const wrong = labelValueProblems(value)
    if (wrong.length) problems.push(invalid(`values[${index}][${key}]`, value, wrong.join('; ')))
  }
  if (problems.length) throw new SelectorError(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`)
  return requirement
}

function invalid(path: string, value: unknown, detail: string): string {
  return `${path}: Invalid value: ${JSON.stringify(value)}: ${detail}`
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`
    case 'gt':
      return `${key}>${values[0]}`
    case 'lt':
      return `${key}<${values[0]}`
    default:
      return `${key}${operator}${values[0]}`
  }
}
