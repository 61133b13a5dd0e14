const UNITS: readonly (readonly [string, number])[] = [
  ['y', 365 * 86_400],
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
]

/** How long ago, as short as kubectl says it: `45s`, `3m20s`, `5h`, `12d`. Empty for no time. */
export function ageOf(timestamp: string | undefined, now: number): string {
  const from = timestamp === undefined ? Number.NaN : Date.parse(timestamp)
  if (Number.isNaN(from)) return ''
  const seconds = Math.max(0, Math.floor((now - from) / 1000))
  const at = UNITS.findIndex(([, size]) => seconds >= size)
  if (at < 0) return '0s'
  const [unit, size] = UNITS[at]!
  const whole = Math.floor(seconds / size)
  const next = UNITS[at + 1]
  // Two digits say enough: the next unit only beside a small number.
  const rest = next && whole < 10 ? Math.floor((seconds % size) / next[1]) : 0
  return `${whole}${unit}${rest > 0 ? `${rest}${next![0]}` : ''}`
}
