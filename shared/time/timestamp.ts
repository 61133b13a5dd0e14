const FIRST_SECOND = Date.parse('0000-01-01T00:00:00Z') / 1000
const LAST_SECOND = Date.parse('9999-12-31T23:59:59Z') / 1000

/** Whether RFC 3339 can write this point in time: its years have four digits. */
export function isWritableTime(milliseconds: number): boolean {
  const second = Math.floor(milliseconds / 1000)
  return second >= FIRST_SECOND && second <= LAST_SECOND
}

/** RFC 3339 with seconds, as metav1.Time is written: `2026-11-23T12:00:00Z`. @throws RangeError outside the years 0 to 9999, which no client could read */
export function timestamp(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000)
  if (!(second >= FIRST_SECOND && second <= LAST_SECOND)) throw new RangeError('the time lies outside the years 0 to 9999')
  if (second !== last.second) last = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` }
  return last.text
}

/** Most objects are made in the same second as the one before. */
let last = { second: Number.NaN, text: '' }

/** RFC 3339 with microseconds, as metav1.MicroTime is written: `2026-11-23T12:00:00.123000Z`. @throws RangeError as `timestamp` */
export function microTimestamp(milliseconds: number): string {
  if (!isWritableTime(milliseconds)) throw new RangeError('the time lies outside the years 0 to 9999')
  return `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`
}

/** Milliseconds since the epoch of an RFC 3339 text, or undefined where there is none or it is malformed. */
export function parseTimestamp(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const milliseconds = Date.parse(text)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
