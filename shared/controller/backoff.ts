/** Pauses that double per key until the key succeeds. */
export interface Backoff {
  /** The pause before the next attempt, in milliseconds; counts one more failure. */
  next(key: string): number
  /** How often the key failed since it last succeeded. */
  failures(key: string): number
  /** The key succeeded. */
  forget(key: string): void
}

interface BackoffLimits {
  firstMilliseconds?: number
  longestMilliseconds?: number
}

/** Makes one; 5 ms to one minute unless told: soon again after a lost race, and not long after an outage ends. */
export function createBackoff({ firstMilliseconds = 5, longestMilliseconds = 60_000 }: BackoffLimits = {}): Backoff {
  const failures = new Map<string, number>()
  return {
    next(key) {
      const before = failures.get(key) ?? 0
      failures.set(key, before + 1)
      return Math.min(longestMilliseconds, firstMilliseconds * 2 ** Math.min(before, 40))
    },
    failures: (key) => failures.get(key) ?? 0,
    forget: (key) => void failures.delete(key),
  }
}
