import { type CronExpression, matchesDay, parseCronExpression } from './cron-expression.ts'
import { parseGoDuration } from './go-duration.ts'
import { ScheduleError } from './schedule-error.ts'
import { forward, type TimeZone, timeZone } from './time-zone.ts'

const MINUTE = 60_000
const DAY_MINUTES = 24 * 60
/** A time that does not come within so many years never does (29 February comes; 30 February does not). */
const YEARS_AHEAD = 5

/** When something is due, again and again. */
export interface Schedule {
  /** The first due instant after the given one, in milliseconds since the epoch; undefined: there is none for five years. */
  next(after: number): number | undefined
  /** Of the instants that `next` leads to, one from the other, the last that is not after `until`. */
  last(after: number, until: number): number | undefined
}

/**
 * Reads a schedule as upstream's CronJobs have it: five fields of local time in a zone, `@hourly` and its like, or `@every 90m`.
 * Every minute whose local clock matches is due: one that comes twice when clocks are set back is due twice, one that is skipped
 * when they are set forward is not due that day. @throws ScheduleError
 */
export function parseSchedule(text: string, zoneName = 'UTC'): Schedule {
  const zone = timeZone(zoneName)
  if (text.startsWith('@every ')) return everySchedule(text.slice('@every '.length))
  const expression = parseCronExpression(text)
  const next = (after: number) => nextMatch(expression, zone, after)
  return { next, last: (after, until) => lastMatch(next, after, until) }
}

/** Looks back from the end, farther and farther, so that it does not have to go through all that was due since long ago. */
function lastMatch(next: Schedule['next'], after: number, until: number): number | undefined {
  let found: number | undefined
  for (let back = MINUTE; found === undefined; back *= 4) {
    const from = Math.max(after, until - back)
    for (let at = next(from); at !== undefined && at <= until; at = next(at)) found = at
    if (from === after) break
  }
  return found
}

function nextMatch(expression: CronExpression, zone: TimeZone, after: number): number | undefined {
  const { minutes, hours } = expression
  if (minutes.size === 0 || hours.size === 0) return undefined
  let at = Math.floor(after / MINUTE) * MINUTE + MINUTE
  const lastYear = new Date(after).getUTCFullYear() + YEARS_AHEAD
  for (;;) {
    const local = new Date(at + zone.offsetAt(at))
    // Also where the calendar ends, where there is no year.
    if (!(local.getUTCFullYear() <= lastYear)) return undefined
    const wait = minutesToWait(expression, local)
    if (wait === 0) return at
    at = forward(zone, at, wait)
  }
}

/** Minutes of an undisturbed local clock for which nothing is due, to the end of the hour or day at most. */
function minutesToWait(expression: CronExpression, local: Date): number {
  const hour = local.getUTCHours()
  const minute = local.getUTCMinutes()
  if (!expression.months.has(local.getUTCMonth() + 1) || !matchesDay(expression, local.getUTCDate(), local.getUTCDay())) {
    return DAY_MINUTES - (hour * 60 + minute)
  }
  if (!expression.hours.has(hour)) return 60 - minute
  for (let later = minute; later < 60; later++) if (expression.minutes.has(later)) return later - minute
  return 60 - minute
}

/** Whole seconds after the last time; what is shorter than one is one. */
function everySchedule(text: string): Schedule {
  let milliseconds: number
  try {
    milliseconds = parseGoDuration(text)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    throw new ScheduleError(`failed to parse duration @every ${text}: ${error.message}`, { cause: error })
  }
  const seconds = Math.max(1, Math.floor(milliseconds / 1_000))
  return {
    next: (after) => (Math.floor(after / 1_000) + seconds) * 1_000,
    last(after, until) {
      const times = Math.floor((until / 1_000 - Math.floor(after / 1_000)) / seconds)
      return times > 0 ? (Math.floor(after / 1_000) + times * seconds) * 1_000 : undefined
    },
  }
}
