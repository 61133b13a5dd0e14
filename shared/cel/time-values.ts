import { CelError, Duration, Timestamp } from './value.ts'

const SECOND = 1_000_000_000n
/** The specification's range: the years 1 to 9999. */
export const earliest = BigInt(Date.parse('0001-01-01T00:00:00Z')) * 1_000_000n
export const latest = BigInt(Date.parse('9999-12-31T23:59:59Z')) * 1_000_000n + 999_999_999n
const LONGEST = 2n ** 63n - 1n

const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3_600n * SECOND],
])
const part = /(\d*)(?:\.(\d*))?([^\d.]+)/y
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/

/** A span as Go writes it, `1h30m`, `-1.5s`. */
export function parseDuration(text: string): Duration | CelError {
  const invalid = new CelError(`time: invalid duration ${JSON.stringify(text.slice(0, 100))}`)
  const isNegative = text.startsWith('-')
  const rest = text.replace(/^[+-]/, '')
  if (rest === '0') return new Duration(0n)
  if (rest === '' || rest.length > 100) return invalid
  let total = 0n
  part.lastIndex = 0
  while (part.lastIndex < rest.length) {
    const [, whole, fraction, unit] = part.exec(rest) ?? []
    const length = units.get(unit ?? '')
    if (length === undefined || (whole === '' && !fraction)) return invalid
    total += BigInt(whole || '0') * length
    if (fraction) total += (BigInt(fraction) * length) / 10n ** BigInt(fraction.length)
  }
  if (total > LONGEST) return invalid
  return new Duration(isNegative ? -total : total)
}

/** Seconds, with as many digits as are needed: `5400s`. */
export function durationText({ nanoseconds }: Duration): string {
  const amount = nanoseconds < 0n ? -nanoseconds : nanoseconds
  return `${nanoseconds < 0n ? '-' : ''}${amount / SECOND}${fractionText(amount % SECOND)}s`
}

/** RFC 3339. Dates that do not exist are refused, as Go refuses them. */
export function parseTimestamp(text: string): Timestamp | CelError {
  const invalid = new CelError(`parsing time ${JSON.stringify(text.slice(0, 100))} as "2006-01-02T15:04:05Z07:00": cannot parse`)
  const [, year, month, day, hour, minute, second, fraction, zone = 'Z'] = rfc3339.exec(text) ?? []
  if (year === undefined) return invalid
  const local = Date.UTC(2000, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const date = new Date(local)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const isReal =
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60 &&
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day)
  const offset = offsetMinutes(zone.toUpperCase())
  if (!isReal || offset === undefined) return invalid
  const nanoseconds = BigInt(date.getTime() - offset * 60_000) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0'))
  return nanoseconds < earliest || nanoseconds > latest ? new CelError('timestamp overflow') : new Timestamp(nanoseconds)
}

/** RFC 3339 in UTC, with as many digits as are needed. */
export function timestampText({ nanoseconds }: Timestamp): string {
  return `${dateOf(nanoseconds).toISOString().slice(0, 19)}${fractionText(floorMod(nanoseconds, SECOND))}Z`
}

function fractionText(nanoseconds: bigint): string {
  return nanoseconds === 0n ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`
}

/** The second that the point in time lies in. */
export function dateOf(nanoseconds: bigint): Date {
  return new Date(Number((nanoseconds - floorMod(nanoseconds, SECOND)) / 1_000_000n))
}

export function floorMod(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by
}

/** Minutes that `+02:00` is ahead of UTC; undefined for what is no offset. */
export function offsetMinutes(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'UTC' || zone === '') return 0
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? []
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}
