import { parse } from './parser.ts'
import { type Expression, partsOf } from './syntax.ts'

/** Whether an expression reads this field of a variable somewhere (`claims.email`, `claims.?email`, `has(claims.email)`). False for what cannot be parsed. */
export function usesField(source: string, variable: string, field: string): boolean {
  const parsed = parse(source)
  if ('problems' in parsed) return false
  const reads = (each: Expression): boolean =>
    (each.kind === 'select' && each.field === field && each.operand.kind === 'identifier' && each.operand.name === variable) ||
    partsOf(each).some(reads)
  return reads(parsed.expression)
}
