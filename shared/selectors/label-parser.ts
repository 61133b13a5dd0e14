import type { LabelOperator, LabelRequirement } from './label-requirement.ts'
import { labelKeyProblems } from './label-syntax.ts'
import { SelectorError } from './selector-error.ts'

type TokenKind = 'identifier' | 'operator' | ',' | '(' | ')' | '!' | 'end' | 'error'
type Token = { readonly kind: TokenKind; readonly text: string }

/** Longest first: `==` before `=`. */
const symbols: readonly (readonly [string, TokenKind])[] = [
  ['!=', 'operator'],
  ['==', 'operator'],
  ['=', 'operator'],
  ['>', 'operator'],
  ['<', 'operator'],
  ['!', '!'],
  [',', ','],
  ['(', '('],
  [')', ')'],
]
const words = new Set(['in', 'notin'])
const operatorOfSymbol: Readonly<Record<string, LabelOperator>> = { '>': 'gt', '<': 'lt' }

/**
 * Reads the textual selector grammar: requirements separated by commas; `key`, `!key`, `key=value`, `key!=value`,
 * `key in (a,b)`, `key notin (a)`, `key>1`, `key<1`. Values are sorted and unique, as upstream's are.
 * @throws SelectorError with the sentence of upstream's parser.
 */
export function parseRequirements(text: string): LabelRequirement[] {
  const tokens = tokensOf(text)
  const requirements: LabelRequirement[] = []
  let position = 0
  /** Inside values, `in` and `notin` are ordinary words. */
  const kindAt = (token: Token): TokenKind => (words.has(token.text) && token.kind === 'operator' ? 'identifier' : token.kind)
  const peek = (): Token => tokens[Math.min(position, tokens.length - 1)]!
  const take = (): Token => {
    const token = peek()
    position++
    return token
  }

  for (;;) {
    const first = peek()
    if (first.kind === 'end') return requirements
    if (kindAt(first) !== 'identifier' && first.kind !== '!') {
      throw new SelectorError(`found '${first.text}', expected: !, identifier, or 'end of string'`)
    }
    try {
      requirements.push(requirement())
    } catch (error) {
      if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`, { cause: error })
      throw error
    }
    const after = take()
    if (after.kind === 'end') return requirements
    if (after.kind !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`)
    if (kindAt(peek()) !== 'identifier' && peek().kind !== '!') {
      throw new SelectorError(`found '${peek().text}', expected: identifier after ','`)
    }
  }

  function requirement(): LabelRequirement {
    const negated = peek().kind === '!'
    if (negated) position++
    const key = take()
    if (kindAt(key) !== 'identifier') throw new SelectorError(`found '${key.text}', expected: identifier`)
    const wrong = labelKeyProblems(key.text)
    if (wrong.length) throw new SelectorError(`<nil>: Invalid value: ${JSON.stringify(key.text)}: ${wrong.join('; ')}`)
    const next = peek().kind
    if (negated) return { key: key.text, operator: '!', values: [] }
    if (next === 'end' || next === ',') return { key: key.text, operator: 'exists', values: [] }
    const operator = take()
    if (operator.kind !== 'operator') {
      throw new SelectorError(`found '${operator.text}', expected: in, notin, =, ==, !=, gt, lt`)
    }
    const values = words.has(operator.text) ? valueList() : [exactValue()]
    return { key: key.text, operator: operatorOfSymbol[operator.text] ?? (operator.text as LabelOperator), values }
  }

  function exactValue(): string {
    const token = peek()
    if (token.kind === 'end' || token.kind === ',') return ''
    position++
    if (kindAt(token) !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`)
    return token.text
  }

  /** `(a,b)`; a missing word between commas is the empty value. */
  function valueList(): string[] {
    const open = take()
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`)
    const values = new Set<string>()
    let expectWord = true
    for (;;) {
      const token = take()
      if (token.kind === ')') {
        if (expectWord) values.add('')
        return [...values].sort()
      }
      if (token.kind === ',') {
        if (expectWord) values.add('')
        expectWord = true
      } else if (kindAt(token) === 'identifier' && expectWord) {
        values.add(token.text)
        expectWord = false
      } else {
        throw new SelectorError(`found '${token.text}', expected: ${expectWord ? "',', ')' or identifier" : "',' or ')'"}`)
      }
    }
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let position = 0
  while (position < text.length) {
    if (/\s/.test(text[position]!)) {
      position++
      continue
    }
    const symbol = symbols.find(([sign]) => text.startsWith(sign, position))
    if (symbol) {
      tokens.push({ kind: symbol[1], text: symbol[0] })
      position += symbol[0].length
      continue
    }
    const start = position
    while (position < text.length && !/[\s=!<>(),]/.test(text[position]!)) position++
    const word = text.slice(start, position)
    tokens.push({ kind: words.has(word) ? 'operator' : 'identifier', text: word })
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}
