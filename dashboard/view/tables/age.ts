import { humanDuration } from '../../../shared/time/human-duration.ts'

/** How long ago, as kubectl and the server's own tables say it; a clock that is behind says `0s`. Empty for no time. */
export function ageOf(timestamp: string | undefined, now: number): string {
  const from = timestamp === undefined ? Number.NaN : Date.parse(timestamp)
  return Number.isNaN(from) ? '' : humanDuration(Math.max(0, now - from))
}
