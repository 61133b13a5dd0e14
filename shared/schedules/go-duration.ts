import { ScheduleError } from './schedule-error.ts'

const units: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])
/** Go holds durations in 63 bits of nanoseconds. */
const LONGEST = 2 ** 63 / 1e6

/** Milliseconds of a duration as Go writes it: `1h30m`, `-1.5s`. @throws ScheduleError with Go's words */
export function parseGoDuration(text: string): number {
  const invalid = () => new ScheduleError(`time: invalid duration ${JSON.stringify(text)}`)
  const sign = text.startsWith('-') ? -1 : 1
  let rest = text.replace(/^[+-]/, '')
  if (rest === '0') return 0
  if (rest === '') throw invalid()
  let total = 0
  while (rest !== '') {
    const [, number = ''] = /^([0-9]*\.?[0-9]*)/.exec(rest) ?? []
    if (number === '' || number === '.') throw invalid()
    rest = rest.slice(number.length)
    const [unit = ''] = /^[^0-9.]*/.exec(rest) ?? []
    if (unit === '') throw new ScheduleError(`time: missing unit in duration ${JSON.stringify(text)}`)
    const length = units.get(unit)
    if (length === undefined) throw new ScheduleError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`)
    total += Number(number) * length
    if (!(total < LONGEST)) throw invalid()
    rest = rest.slice(unit.length)
  }
  return sign * total
}
