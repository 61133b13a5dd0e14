import type { Checked } from './checker.ts'
import { compiledPattern } from './patterns.ts'
import type { Problem } from './source.ts'
import { type Expression, partsOf } from './syntax.ts'
import { parseDuration, parseTimestamp } from './time-values.ts'
import { CelError, type Value } from './value.ts'

type Reading = { readonly name: string; readonly argument: number; readonly read: (text: string) => Value | object; readonly told: string }

/** Texts that would fail every time, and are found out before: upstream's validators of literals. */
const readings: readonly Reading[] = [
  { name: 'duration', argument: 0, read: parseDuration, told: 'invalid duration argument' },
  { name: 'timestamp', argument: 0, read: parseTimestamp, told: 'invalid timestamp argument' },
  { name: 'matches', argument: 1, read: compiledPattern, told: 'invalid matches argument' },
]

/** Problems of literals in an expression that is right otherwise. */
export function literalProblems(expression: Expression, checked: Checked): Problem[] {
  const problems: Problem[] = []
  const visit = (each: Expression): void => {
    const reading = each.kind === 'call' ? readings.find(({ name }) => name === each.name) : undefined
    const argument = reading && checked.calls.get(each)?.args[reading.argument]
    if (reading && argument?.kind === 'literal' && typeof argument.value === 'string' && reading.read(argument.value) instanceof CelError) {
      problems.push({ offset: argument.offset, message: reading.told })
    }
    for (const part of partsOf(each)) visit(part)
  }
  visit(expression)
  return problems
}
