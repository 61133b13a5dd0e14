import { ScheduleError } from './schedule-error.ts'

/** What one of the five fields may hold. */
export interface CronRange {
  readonly first: number
  readonly last: number
  /** Lower-case names for values (`jan`, `sun`). */
  readonly names?: readonly string[]
}

/** The values that a field matches. */
export interface CronField {
  readonly values: ReadonlySet<number>
  /** It says `*` or `?`: any day is meant, so that the other of the two day fields decides alone. */
  readonly isAny: boolean
}

/** Reads `*`, `5`, `1-5`, names, `/2` behind any of them, and lists of these; `5/10` runs to the end of the range. @throws ScheduleError */
export function parseCronField(text: string, range: CronRange): CronField {
  const values = new Set<number>()
  let isAny = false
  // Empty parts say nothing, as upstream.
  for (const part of text.split(',').filter((each) => each !== '')) {
    const { first, last, step, any } = parsePart(part, range)
    for (let value = first; value <= last; value += step) values.add(value)
    isAny ||= any
  }
  return { values, isAny }
}

function parsePart(part: string, range: CronRange): { first: number; last: number; step: number; any: boolean } {
  const [span = '', stepText, ...moreSteps] = part.split('/')
  const [low = '', high, ...moreEnds] = span.split('-')
  const isAny = low === '*' || low === '?'
  const first = isAny ? range.first : parseValue(low, range)
  if (!isAny && moreEnds.length > 0) throw new ScheduleError(`too many hyphens: ${part}`)
  let last = isAny ? range.last : high === undefined ? first : parseValue(high, range)
  if (moreSteps.length > 0) throw new ScheduleError(`too many slashes: ${part}`)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  if (stepText !== undefined && high === undefined) last = range.last
  if (first < range.first) throw new ScheduleError(`beginning of range (${first}) below minimum (${range.first}): ${part}`)
  if (last > range.last) throw new ScheduleError(`end of range (${last}) above maximum (${range.last}): ${part}`)
  if (first > last) throw new ScheduleError(`beginning of range (${first}) beyond end of range (${last}): ${part}`)
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${part}`)
  return { first, last, step, any: isAny && step === 1 }
}

function parseValue(text: string, { first, names = [] }: CronRange): number {
  const place = names.indexOf(text.toLowerCase())
  return place >= 0 ? first + place : parseNumber(text)
}

const LARGEST = 2n ** 63n - 1n

function parseNumber(text: string): number {
  const fail = (why: string) => new ScheduleError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`)
  if (!/^[+-]?[0-9]{1,40}$/.test(text)) throw fail('invalid syntax')
  const value = BigInt(text.replace(/^\+/, ''))
  if (value > LARGEST || value < -LARGEST) throw fail('value out of range')
  if (value < 0n) throw new ScheduleError(`negative number (${value}) not allowed: ${text}`)
  return Number(value)
}
