import { SelectorError } from './selector-error.ts'

/** One condition on one field. */
export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** All requirements must hold. Which fields exist is the kind's business, not the selector's. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[]

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements
  }

  get empty(): boolean {
    return this.requirements.length === 0
  }

  /** `textOf` answers the field's text; '' for an unset one. */
  matches(textOf: (field: string) => string): boolean {
    return this.requirements.every(({ field, operator, value }) => (textOf(field) === value) === (operator === '='))
  }

  /** The value a field must have, where the selector says so exactly; for lookups in an index. */
  requiredValue(field: string): string | undefined {
    return this.requirements.find((each) => each.field === field && each.operator === '=')?.value
  }

  /** The same selector where fields have other names; what `names` does not know keeps its own. */
  renamed(names: ReadonlyMap<string, string>): FieldSelector {
    return new FieldSelector(this.requirements.map((each) => ({ ...each, field: names.get(each.field) ?? each.field })))
  }

  /** The textual form that `parseFieldSelector` reads. */
  toString(): string {
    return this.requirements.map(requirementText).join(',')
  }
}

function requirementText({ field, operator, value }: FieldRequirement): string {
  return `${field}${operator}${value.replace(/[\\,=]/g, '\\$&')}`
}

/** Matches every object. */
export const anyField = new FieldSelector([])

/** Parses `field=value,other!=value`; `\`, `,` and `=` in a value are written with a backslash before them. @throws SelectorError */
export function parseFieldSelector(text: string | undefined): FieldSelector {
  if (!text) return anyField
  const requirements = splitTerms(text)
    .filter((term) => term !== '')
    .map((term): FieldRequirement => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term)
      if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
      return { field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value: unescaped(match[3]!) }
    })
  if (requirements.length === 0) return anyField
  // In one order, whatever the order and the signs they came in: equal selectors have equal texts.
  const written = new Map(requirements.map((each) => [requirementText(each), each]))
  return new FieldSelector([...written.keys()].sort().map((each) => written.get(each)!))
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === ',') {
      terms.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...terms, text.slice(start)]
}

function unescaped(value: string): string {
  let result = ''
  for (let index = 0; index < value.length; index++) {
    const sign = value[index]!
    if (sign === ',' || sign === '=') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${sign.charCodeAt(0)}`)
    }
    if (sign !== '\\') {
      result += sign
      continue
    }
    const next = value[++index] ?? ''
    if (next !== '\\' && next !== ',' && next !== '=') {
      throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next}`)
    }
    result += next
  }
  return result
}
