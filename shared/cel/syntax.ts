import type { Value } from './value.ts'

/** An expression as it was written, its macros recognised. `offset` is where sentences about it point. */
export type Expression =
  | Literal
  | Identifier
  | Select
  | Call
  | ListLiteral
  | MapLiteral
  | ObjectLiteral
  | Comprehension
  | Bind
  | OptionalMap

interface Node {
  readonly offset: number
  /** Levels of expressions, this one included. */
  readonly depth: number
}

export interface Literal extends Node {
  readonly kind: 'literal'
  readonly value: Value
}

export interface Identifier extends Node {
  readonly kind: 'identifier'
  readonly name: string
}

/** `operand.field`, `operand.?field`, `has(operand.field)`. */
export interface Select extends Node {
  readonly kind: 'select'
  readonly operand: Expression
  readonly field: string
  readonly isOptional: boolean
  readonly isTest: boolean
}

/** A function, method or operator (`_+_`, `_[_]`, `@in`, `_?_:_`; `_&&_` and `_||_` take any number of arguments). */
export interface Call extends Node {
  readonly kind: 'call'
  readonly name: string
  readonly target: Expression | undefined
  readonly args: readonly Expression[]
}

export interface ListLiteral extends Node {
  readonly kind: 'list'
  readonly items: readonly { readonly value: Expression; readonly isOptional: boolean }[]
}

export interface MapLiteral extends Node {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: Expression; readonly value: Expression; readonly isOptional: boolean }[]
}

/** `Name{field: value}`. */
export interface ObjectLiteral extends Node {
  readonly kind: 'object'
  readonly name: string
  readonly fields: readonly { readonly name: string; readonly value: Expression; readonly isOptional: boolean; readonly offset: number }[]
}

export type ComprehensionMacro =
  | 'all'
  | 'exists'
  | 'existsOne'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'sortBy'

/** A macro that walks a list or a map. With two variables: index and item, or key and value. */
export interface Comprehension extends Node {
  readonly kind: 'comprehension'
  readonly macro: ComprehensionMacro
  readonly range: Expression
  readonly variables: readonly string[]
  /** Which items count. */
  readonly condition: Expression | undefined
  /** What each of them becomes; the key to sort by. */
  readonly result: Expression | undefined
}

/** `cel.bind(name, value, body)`. */
export interface Bind extends Node {
  readonly kind: 'bind'
  readonly name: string
  readonly value: Expression
  readonly body: Expression
}

/** `target.optMap(name, body)`, `target.optFlatMap(name, body)`. */
export interface OptionalMap extends Node {
  readonly kind: 'optional-map'
  readonly target: Expression
  readonly name: string
  readonly body: Expression
  readonly isFlat: boolean
}

/** The expressions right inside. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'identifier':
      return []
    case 'select':
      return [expression.operand]
    case 'call':
      return expression.target ? [expression.target, ...expression.args] : expression.args
    case 'list':
      return expression.items.map(({ value }) => value)
    case 'map':
      return expression.entries.flatMap(({ key, value }) => [key, value])
    case 'object':
      return expression.fields.map(({ value }) => value)
    case 'comprehension':
      return [expression.range, expression.condition, expression.result].filter((part) => part !== undefined)
    case 'bind':
      return [expression.value, expression.body]
    case 'optional-map':
      return [expression.target, expression.body]
  }
}
