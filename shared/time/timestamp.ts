/** RFC 3339 with seconds, as metav1.Time is written: `2026-11-23T12:00:00Z`. */
export function timestamp(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000)
  if (second !== last.second) last = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` }
  return last.text
}

/** Most objects are made in the same second as the one before. */
let last = { second: Number.NaN, text: '' }

/** RFC 3339 with microseconds, as metav1.MicroTime is written: `2026-11-23T12:00:00.123000Z`. */
export function microTimestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`
}

/** Milliseconds since the epoch of an RFC 3339 text, or undefined where there is none or it is malformed. */
export function parseTimestamp(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const milliseconds = Date.parse(text)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
