import { type Token, tokensOf } from './lexer.ts'
import { celLimits } from './limits.ts'
import { readNumber } from './literals.ts'
import { expandMacro, type Unplaced } from './macros.ts'
import type { Problem } from './source.ts'
import { type Expression, partsOf } from './syntax.ts'

/** Names that may not stand alone: the specification keeps them for later. After a dot they are names like any other. */
const reserved = new Set('as break const continue else for function if import let loop package namespace return var void while'.split(' '))
const PRIMARY = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
/** From weakest to strongest; operators of one row group from the left. */
const rows: readonly ReadonlyMap<string, string>[] = [
  new Map([['||', '_||_']]),
  new Map([['&&', '_&&_']]),
  new Map([
    ['==', '_==_'],
    ['!=', '_!=_'],
    ['<', '_<_'],
    ['<=', '_<=_'],
    ['>', '_>_'],
    ['>=', '_>=_'],
    ['in', '@in'],
  ]),
  new Map([
    ['+', '_+_'],
    ['-', '_-_'],
  ]),
  new Map([
    ['*', '_*_'],
    ['/', '_/_'],
    ['%', '_%_'],
  ]),
]

/** What an expression says, or what is wrong with how it is written. */
export function parse(source: string): { expression: Expression; nodes: number } | { problems: Problem[] } {
  if (source.length > celLimits.characters) {
    return {
      problems: [{ offset: 0, message: `expression code point size exceeds limit: size: ${source.length}, limit ${celLimits.characters}` }],
    }
  }
  const { tokens, problems } = tokensOf(source)
  if (problems.length > 0) return { problems }
  const parser = new Parser(tokens)
  try {
    return { expression: parser.whole(), nodes: parser.nodes }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { problems: [error.problem] }
  }
}

class Unreadable extends Error {
  override readonly name = 'Unreadable'
  readonly problem: Problem

  constructor(offset: number, message: string) {
    super(message)
    this.problem = { offset, message }
  }
}

class Parser {
  nodes = 0
  readonly #tokens: readonly Token[]
  #at = 0
  #nesting = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Expression {
    const expression = this.#expression()
    if (this.#token.kind !== 'end') throw this.#unexpected('<EOF>')
    return expression
  }

  get #token(): Token {
    return this.#tokens[this.#at]!
  }

  #isSign(text: string): boolean {
    const { kind } = this.#token
    return this.#token.text === text && (kind === 'punctuation' || kind === 'identifier')
  }

  #took(text: string): Token | undefined {
    const token = this.#token
    if (!this.#isSign(text)) return undefined
    this.#at++
    return token
  }

  #take(text: string): Token {
    const token = this.#took(text)
    if (!token) throw this.#unexpected(`'${text}'`)
    return token
  }

  #unexpected(expected: string): Unreadable {
    const { text, offset } = this.#token
    return new Unreadable(offset, `Syntax error: mismatched input '${text.slice(0, 100)}' expecting ${expected}`)
  }

  /** Gives an expression its place, and holds the whole to its limits. */
  #place(offset: number, unplaced: Unplaced<Expression>): Expression {
    // The spread of a union is the union: every kind only gains the two fields.
    const placed = { ...unplaced, offset, depth: 1 } as Expression
    const depth = partsOf(placed).reduce((deepest, part) => Math.max(deepest, part.depth), 0) + 1
    this.nodes++
    if (depth > 4 * celLimits.depth) throw new Unreadable(offset, `max recursion depth exceeded: limit ${4 * celLimits.depth}`)
    if (this.nodes > celLimits.nodes) throw new Unreadable(offset, `expression has more than ${celLimits.nodes} parts`)
    return { ...placed, depth }
  }

  #expression(): Expression {
    if (++this.#nesting > celLimits.depth) {
      throw new Unreadable(this.#token.offset, `expression recursion limit exceeded: ${celLimits.depth}`)
    }
    const condition = this.#row(0)
    const question = this.#took('?')
    if (!question) {
      this.#nesting--
      return condition
    }
    const whenTrue = this.#row(0)
    this.#take(':')
    const whenFalse = this.#expression()
    this.#nesting--
    return this.#place(question.offset, { kind: 'call', name: '_?_:_', target: undefined, args: [condition, whenTrue, whenFalse] })
  }

  #row(level: number): Expression {
    const operators = rows[level]
    if (!operators) return this.#unary()
    let left = this.#row(level + 1)
    for (;;) {
      const token = this.#token
      const name = token.kind === 'punctuation' || token.kind === 'identifier' ? operators.get(token.text) : undefined
      if (name === undefined) return left
      const terms = [left]
      while (this.#took(token.text)) {
        terms.push(this.#row(level + 1))
        if (level > 1) break
      }
      left = this.#place(token.offset, { kind: 'call', name, target: undefined, args: terms })
    }
  }

  #unary(): Expression {
    const sign = this.#isSign('!') || this.#isSign('-') ? this.#token : undefined
    if (!sign) return this.#member(this.#primary())
    const following = this.#tokens[this.#at + 1]
    if (sign.text === '-' && (following?.kind === 'int' || following?.kind === 'double')) {
      this.#at++
      return this.#member(this.#number(following, sign.offset, true))
    }
    let count = 0
    while (this.#took(sign.text)) count++
    const operand = this.#isSign('!') || this.#isSign('-') ? this.#nested(() => this.#unary()) : this.#member(this.#primary())
    // Two of a kind undo each other, as cel-go has it.
    if (count % 2 === 0) return operand
    return this.#place(sign.offset, { kind: 'call', name: `${sign.text}_`, target: undefined, args: [operand] })
  }

  #nested(read: () => Expression): Expression {
    if (++this.#nesting > celLimits.depth) {
      throw new Unreadable(this.#token.offset, `expression recursion limit exceeded: ${celLimits.depth}`)
    }
    const expression = read()
    this.#nesting--
    return expression
  }

  #member(start: Expression): Expression {
    let operand = start
    for (;;) {
      const dot = this.#took('.')
      if (dot) {
        const isOptional = this.#took('?') !== undefined
        const field = this.#fieldName()
        const paren = isOptional ? undefined : this.#took('(')
        operand = paren
          ? this.#call(paren.offset, field, operand)
          : this.#place(dot.offset, { kind: 'select', operand, field, isOptional, isTest: false })
        continue
      }
      const bracket = this.#took('[')
      if (bracket) {
        const name = this.#took('?') ? '_[?_]' : '_[_]'
        const index = this.#expression()
        this.#take(']')
        operand = this.#place(bracket.offset, { kind: 'call', name, target: undefined, args: [operand, index] })
        continue
      }
      const brace = this.#isSign('{') ? nameOf(operand) : undefined
      if (brace === undefined) return operand
      operand = this.#object(brace)
    }
  }

  #fieldName(): string {
    const token = this.#token
    if (token.kind !== 'identifier' || ['true', 'false', 'null', 'in'].includes(token.text)) throw this.#unexpected('IDENTIFIER')
    this.#at++
    return token.text
  }

  #call(offset: number, name: string, target: Expression | undefined): Expression {
    const args = this.#until(')', () => this.#expression(), false)
    const macro = expandMacro(name, target, args)
    if (macro && 'problem' in macro) throw new Unreadable(macro.at.offset, macro.problem)
    return this.#place(offset, macro ?? { kind: 'call', name, target, args })
  }

  #object(name: string): Expression {
    const { offset } = this.#take('{')
    const fields = this.#until('}', () => {
      const isOptional = this.#took('?') !== undefined
      const at = this.#token.offset
      const field = this.#fieldName()
      this.#take(':')
      return { name: field, value: this.#expression(), isOptional, offset: at }
    })
    return this.#place(offset, { kind: 'object', name, fields })
  }

  /** Parts up to a closing sign; a comma may follow the last one of a literal. */
  #until<T>(close: string, read: () => T, mayTrail = true): T[] {
    const parts: T[] = []
    while (!this.#took(close)) {
      parts.push(read())
      if (this.#took(',')) {
        if (mayTrail || !this.#isSign(close)) continue
        throw this.#unexpected(PRIMARY)
      }
      this.#take(close)
      break
    }
    return parts
  }

  #number(token: Token, offset: number, isNegative: boolean): Expression {
    this.#at++
    if (token.kind !== 'int' && token.kind !== 'uint' && token.kind !== 'double') throw this.#unexpected(PRIMARY)
    const value = readNumber(token.kind, token.text, isNegative)
    if (value === undefined) throw new Unreadable(offset, `Syntax error: invalid ${token.kind} literal`)
    return this.#place(offset, { kind: 'literal', value })
  }

  #primary(): Expression {
    const token = this.#token
    const { offset } = token
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'double':
        return this.#number(token, offset, false)
      case 'string':
      case 'bytes':
        this.#at++
        return this.#place(offset, { kind: 'literal', value: token.value })
      case 'identifier':
        return this.#named(token.text, offset)
      case 'punctuation':
        return this.#bracketed()
      case 'end':
        throw this.#unexpected(PRIMARY)
    }
  }

  #named(name: string, offset: number): Expression {
    this.#at++
    if (name === 'true' || name === 'false') return this.#place(offset, { kind: 'literal', value: name === 'true' })
    if (name === 'null') return this.#place(offset, { kind: 'literal', value: null })
    if (name === 'in') {
      this.#at--
      throw this.#unexpected(PRIMARY)
    }
    if (reserved.has(name)) throw new Unreadable(offset, `reserved identifier: ${name}`)
    const paren = this.#took('(')
    return paren ? this.#call(paren.offset, name, undefined) : this.#place(offset, { kind: 'identifier', name })
  }

  #bracketed(): Expression {
    const { offset } = this.#token
    if (this.#took('(')) {
      const inner = this.#expression()
      this.#take(')')
      return inner
    }
    if (this.#took('.')) {
      // A leading dot means the outermost name; there is only one level of names here.
      return this.#named(this.#fieldToken(), offset)
    }
    if (this.#took('[')) {
      const items = this.#until(']', () => {
        const isOptional = this.#took('?') !== undefined
        return { value: this.#expression(), isOptional }
      })
      return this.#place(offset, { kind: 'list', items })
    }
    if (this.#took('{')) {
      const entries = this.#until('}', () => {
        const isOptional = this.#took('?') !== undefined
        const key = this.#expression()
        this.#take(':')
        return { key, value: this.#expression(), isOptional }
      })
      return this.#place(offset, { kind: 'map', entries })
    }
    throw this.#unexpected(PRIMARY)
  }

  #fieldToken(): string {
    const name = this.#fieldName()
    this.#at--
    return name
  }
}

/** `a.b.c` as a name of a type; undefined for anything else. */
export function nameOf(expression: Expression): string | undefined {
  const names: string[] = []
  let part = expression
  while (part.kind === 'select' && !part.isTest && !part.isOptional) {
    names.unshift(part.field)
    part = part.operand
  }
  return part.kind === 'identifier' ? [part.name, ...names].join('.') : undefined
}
