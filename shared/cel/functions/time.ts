import { ScheduleError } from '../../schedules/schedule-error.ts'
import { timeZone } from '../../schedules/time-zone.ts'
import { duration, method, type Overload, string, timestamp } from '../define.ts'
import { dateOf, floorMod, offsetMinutes } from '../time-values.ts'
import { intType } from '../type.ts'
import { CelError, type Timestamp, type Value } from '../value.ts'

const MINUTE = 60_000
const DAY = 86_400_000

const parts: readonly (readonly [string, (date: Date) => number])[] = [
  ['getFullYear', (date) => date.getUTCFullYear()],
  ['getMonth', (date) => date.getUTCMonth()],
  ['getDayOfYear', (date) => Math.floor((date.getTime() - startOfYear(date)) / DAY)],
  ['getDayOfMonth', (date) => date.getUTCDate() - 1],
  ['getDate', (date) => date.getUTCDate()],
  ['getDayOfWeek', (date) => date.getUTCDay()],
  ['getHours', (date) => date.getUTCHours()],
  ['getMinutes', (date) => date.getUTCMinutes()],
  ['getSeconds', (date) => date.getUTCSeconds()],
]

function startOfYear(date: Date): number {
  const start = new Date(0)
  return start.setUTCFullYear(date.getUTCFullYear(), 0, 1)
}

/** The clock on a wall there, as if it were UTC. */
function localDate({ nanoseconds }: Timestamp, zone: string): Date | CelError {
  const date = dateOf(nanoseconds)
  const fixed = offsetMinutes(zone)
  if (fixed !== undefined) return new Date(date.getTime() + fixed * MINUTE)
  try {
    return new Date(date.getTime() + timeZone(zone).offsetAt(date.getTime()))
  } catch (error) {
    if (error instanceof ScheduleError) return new CelError(error.message)
    throw error
  }
}

const milliseconds = (nanoseconds: bigint) => floorMod(nanoseconds, 1_000_000_000n) / 1_000_000n

const ofTimestamps: readonly Overload[] = [
  ...parts.flatMap(([name, part]) => [
    method(name, [timestamp], intType, ([time]) => BigInt(part(dateOf(time.nanoseconds)))),
    method(name, [timestamp, string], intType, ([time, zone]): Value => {
      const date = localDate(time, zone)
      return date instanceof CelError ? date : BigInt(part(date))
    }),
  ]),
  method('getMilliseconds', [timestamp], intType, ([time]) => milliseconds(time.nanoseconds)),
  method('getMilliseconds', [timestamp, string], intType, ([time]) => milliseconds(time.nanoseconds)),
]

const ofDurations: readonly Overload[] = [
  method('getHours', [duration], intType, ([span]) => span.nanoseconds / 3_600_000_000_000n),
  method('getMinutes', [duration], intType, ([span]) => span.nanoseconds / 60_000_000_000n),
  method('getSeconds', [duration], intType, ([span]) => span.nanoseconds / 1_000_000_000n),
  method('getMilliseconds', [duration], intType, ([span]) => (span.nanoseconds / 1_000_000n) % 1_000n),
]

/** Parts of points in time (in UTC, or where the zone says) and of spans. */
export const time: readonly Overload[] = [...ofTimestamps, ...ofDurations]
