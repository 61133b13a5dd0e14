import { celLimits } from './limits.ts'

/** What is wrong with an expression, and where: an offset in UTF-16 units. */
export interface Problem {
  readonly offset: number
  readonly message: string
}

/** A line of source shown in a sentence; the caret stays below what it points at. */
const SHOWN = 500

/** The problems as cel-go words them: the place, the sentence, the line and a caret below it. */
export function describeProblems(source: string, problems: readonly Problem[]): string {
  const sorted = [...problems].sort((a, b) => a.offset - b.offset)
  const shown = sorted.slice(0, celLimits.problems).map((problem) => describe(source, problem))
  if (sorted.length > shown.length) shown.push(`… and ${sorted.length - shown.length} more`)
  return shown.join('\n')
}

function describe(source: string, { offset, message }: Problem): string {
  const before = source.slice(0, offset)
  const lineNumber = before.split('\n').length
  const start = before.lastIndexOf('\n') + 1
  const end = source.indexOf('\n', start)
  const line = source.slice(start, end < 0 ? undefined : end)
  const column = [...source.slice(start, offset)].length
  const place = `ERROR: <input>:${lineNumber}:${column + 1}: ${message}`
  if (column > SHOWN) return place
  return `${place}\n | ${line.slice(0, SHOWN).replaceAll('\t', ' ')}\n | ${'.'.repeat(column)}^`
}
