import { timestamp } from '../time/timestamp.ts'
import { timeZone } from './time-zone.ts'

/** RFC 3339 by the clocks of a zone: `2026-03-29T03:00:00+02:00`. @throws ScheduleError for a zone that there is not */
export function zonedTimestamp(instant: number, zoneName: string): string {
  const offset = timeZone(zoneName).offsetAt(instant)
  if (offset === 0) return timestamp(instant)
  const minutes = Math.abs(Math.round(offset / 60_000))
  const two = (value: number) => String(value).padStart(2, '0')
  return `${timestamp(instant + offset).slice(0, -1)}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
