import type { LabelOperator, LabelRequirement } from './label-requirement.ts'
import { labelKeyProblems } from './label-syntax.ts'
import { SelectorError } from './selector-error.ts'

type TokenKind = 'identifier' | 'operator' | ',' | '(' | ')' | '!' | 'end' | 'error'
type Token = { readonly kind: TokenKind; readonly text: string }

const symbols: ReadonlyMap<string, Token> = new Map(
  (['!=', '==', '=', '>', '<'] as const)
    .map((text): [string, Token] => [text, { kind: 'operator', text }])
    .concat((['!', ',', '(', ')'] as const).map((text): [string, Token] => [text, { kind: text, text }])),
)
/** Where a word ends. */
const WORD_END = /[\s=!<>(),]/g
const BLANK = /\s/
const END: Token = { kind: 'end', text: '' }
const words = new Set(['in', 'notin'])
const operatorOfSymbol: Readonly<Record<string, LabelOperator>> = { '>': 'gt', '<': 'lt' }

/**
 * Reads the textual selector grammar: requirements separated by commas; `key`, `!key`, `key=value`, `key!=value`,
 * `key in (a,b)`, `key notin (a)`, `key>1`, `key<1`. Values are sorted and unique, as upstream's are.
 * @throws SelectorError with the sentence of upstream's parser.
 */
export function parseRequirements(text: string): LabelRequirement[] {
  const tokens = new Tokens(text)
  const requirements: LabelRequirement[] = []
  /** Inside values, `in` and `notin` are ordinary words. */
  const kindAt = (token: Token): TokenKind => (words.has(token.text) && token.kind === 'operator' ? 'identifier' : token.kind)
  const peek = () => tokens.peek()
  const take = () => tokens.take()

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
    if (negated) take()
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
    take()
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

/** Reads a text piece by piece: a stranger's may have a hundred thousand. */
class Tokens {
  readonly #text: string
  #position = 0
  #next: Token

  constructor(text: string) {
    this.#text = text
    this.#next = this.#read()
  }

  /** Stays at the end. */
  peek(): Token {
    return this.#next
  }

  take(): Token {
    const token = this.#next
    this.#next = this.#read()
    return token
  }

  #read(): Token {
    const text = this.#text
    while (this.#position < text.length && BLANK.test(text[this.#position]!)) this.#position++
    if (this.#position === text.length) return END
    // The longest first: `==` before `=`.
    const symbol = symbols.get(text.slice(this.#position, this.#position + 2)) ?? symbols.get(text[this.#position]!)
    if (symbol) {
      this.#position += symbol.text.length
      return symbol
    }
    WORD_END.lastIndex = this.#position
    const end = WORD_END.test(text) ? WORD_END.lastIndex - 1 : text.length
    const word = text.slice(this.#position, end)
    this.#position = end
    return { kind: words.has(word) ? 'operator' : 'identifier', text: word }
  }
}
