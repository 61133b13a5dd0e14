import { ScheduleError } from './schedule-error.ts'

const MINUTE = 60_000

/** The rules by which a place sets its clocks. */
export interface TimeZone {
  /** What local clocks are ahead of UTC at an instant, in milliseconds; both are milliseconds since the epoch. */
  offsetAt(instant: number): number
}

const utc: TimeZone = { offsetAt: () => 0 }
/** How many zones are kept ready: asking for a formatter takes longer than using it. There are some six hundred names. */
const MOST_KEPT = 700
const kept = new Map<string, TimeZone>()

/** A zone of the IANA database by its name. @throws ScheduleError `unknown time zone Mars/Crater` */
export function timeZone(name: string): TimeZone {
  // The database of the run-time also knows bare offsets, which are no names.
  if (!/^[A-Za-z]/.test(name)) throw new ScheduleError(`unknown time zone ${name}`)
  if (name === 'UTC') return utc
  const known = kept.get(name)
  if (known) return known
  const made = { offsetAt: offsetsOf(name) }
  if (kept.size < MOST_KEPT) kept.set(name, made)
  return made
}

/**
 * The instant `minutes` later, or the minute at which local clocks are set before then, whichever comes first. So nobody who walks
 * along local time steps over an hour that comes twice, or into one that never comes. Not for more than a day at once.
 */
export function forward(zone: TimeZone, from: number, minutes: number): number {
  const offset = zone.offsetAt(from)
  let same = 0
  let other = minutes
  if (zone.offsetAt(from + minutes * MINUTE) === offset) return from + minutes * MINUTE
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2)
    if (zone.offsetAt(from + middle * MINUTE) === offset) same = middle
    else other = middle
  }
  return from + other * MINUTE
}

function offsetsOf(name: string): TimeZone['offsetAt'] {
  const format = formatOf(name)
  return (instant) => {
    const second = Math.floor(instant / 1_000) * 1_000
    const [month, day, year, hour, minute, seconds] = format.format(second).split(/\D+/).map(Number)
    return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, seconds) - second
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric'
  const parts = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric, hourCycle: 'h23' } as const
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, ...parts })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ScheduleError(`unknown time zone ${timeZone}`, { cause: error })
  }
}
