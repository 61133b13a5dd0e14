import type { ComprehensionMacro, Expression } from './syntax.ts'

/** What a macro makes of its arguments: an expression without `offset` and `depth`, or a sentence that says why it cannot. */
export type Expansion = { readonly problem: string; readonly at: Expression } | Unplaced<Expression>

/** An expression that has not been given its place. */
export type Unplaced<E> = E extends Expression ? Omit<E, 'offset' | 'depth'> : never

const oneVariable: ReadonlyMap<string, ComprehensionMacro> = new Map([
  ['all', 'all'],
  ['exists', 'exists'],
  ['exists_one', 'existsOne'],
  ['existsOne', 'existsOne'],
  ['filter', 'filter'],
  ['map', 'map'],
  ['sortBy', 'sortBy'],
])
const twoVariables: ReadonlyMap<string, ComprehensionMacro> = new Map([
  ['all', 'all'],
  ['exists', 'exists'],
  ['exists_one', 'existsOne'],
  ['existsOne', 'existsOne'],
  ['transformList', 'transformList'],
  ['transformMap', 'transformMap'],
  ['transformMapEntry', 'transformMapEntry'],
])

/** The macro that a call is; undefined for a call of a function. */
export function expandMacro(name: string, target: Expression | undefined, args: readonly Expression[]): Expansion | undefined {
  if (target === undefined) return name === 'has' && args.length === 1 ? hasMacro(args[0]!) : undefined
  const [first, second, third] = args
  if (target.kind === 'identifier' && target.name === 'cel' && name === 'bind' && first && second && third && args.length === 3) {
    return first.kind === 'identifier'
      ? { kind: 'bind', name: first.name, value: second, body: third }
      : { problem: 'cel.bind() variable names must be simple identifiers', at: first }
  }
  if (target.kind === 'identifier' && target.name === 'math' && (name === 'greatest' || name === 'least') && args.length > 2) {
    const items = args.map((value) => ({ value, isOptional: false }))
    const depth = Math.max(...args.map((each) => each.depth)) + 1
    return { kind: 'call', name, target, args: [{ kind: 'list', items, offset: target.offset, depth }] }
  }
  if ((name === 'optMap' || name === 'optFlatMap') && first && second && args.length === 2) {
    return first.kind === 'identifier'
      ? { kind: 'optional-map', target, name: first.name, body: second, isFlat: name === 'optFlatMap' }
      : { problem: `${name}() variable name must be a simple identifier`, at: first }
  }
  return comprehension(name, target, args)
}

function hasMacro(argument: Expression): Expansion {
  if (argument.kind !== 'select' || argument.isTest) return { problem: 'invalid argument to has() macro', at: argument }
  const { operand, field } = argument
  return { kind: 'select', operand, field, isOptional: false, isTest: true }
}

function comprehension(name: string, range: Expression, args: readonly Expression[]): Expansion | undefined {
  const [first, second, third, fourth] = args
  if (args.length === 2) {
    const macro = oneVariable.get(name)
    if (!macro || !first || !second) return undefined
    const isResult = macro === 'map' || macro === 'sortBy'
    return walked(macro, range, [first], isResult ? undefined : second, isResult ? second : undefined)
  }
  if (args.length === 3 && first && second) {
    if (name === 'map') return walked('map', range, [first], second, third)
    const macro = twoVariables.get(name)
    if (!macro) return undefined
    return macro.startsWith('transform')
      ? walked(macro, range, [first, second], undefined, third)
      : walked(macro, range, [first, second], third, undefined)
  }
  if (args.length === 4 && first && second && name.startsWith('transform')) {
    const macro = twoVariables.get(name)
    return macro && walked(macro, range, [first, second], third, fourth)
  }
  return undefined
}

function walked(
  macro: ComprehensionMacro,
  range: Expression,
  variables: readonly Expression[],
  condition: Expression | undefined,
  result: Expression | undefined,
): Expansion {
  const names: string[] = []
  for (const each of variables) {
    if (each.kind !== 'identifier' || each.name.startsWith('.')) return { problem: 'argument must be a simple name', at: each }
    if (names.includes(each.name)) return { problem: `duplicate variable name: ${each.name}`, at: each }
    names.push(each.name)
  }
  return { kind: 'comprehension', macro, range, variables: names, condition, result }
}
