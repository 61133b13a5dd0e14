/** A running timer; `cancel` is idempotent and safe after it fired. */
export interface Timer {
  cancel(): void
}

/**
 * The only source of time. Components receive one; only `main.ts` and tests make one, so that a whole cluster can
 * run on virtual time.
 */
export interface Clock {
  /** Wall time in milliseconds since the epoch. May jump. */
  now(): number
  /** Milliseconds from an arbitrary origin; never goes back. For measuring and for deadlines. */
  monotonic(): number
  /** Resolves after `milliseconds`; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** Calls `action` once, after `milliseconds`. */
  after(milliseconds: number, action: () => void): Timer
  /** Calls `action` every `milliseconds`, first after one interval. */
  every(milliseconds: number, action: () => void): Timer
}

/** The longest delay a Node timer can hold; longer ones would fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** Makes the machine's clock. Its timers keep the process alive, as work in progress should. */
export function realClock(): Clock {
  const after = (milliseconds: number, action: () => void): Timer => {
    const handle = setTimeout(action, Math.min(Math.max(milliseconds, 0), LONGEST_TIMEOUT))
    return { cancel: () => clearTimeout(handle) }
  }
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after,
    every(milliseconds, action) {
      const handle = setInterval(action, Math.min(Math.max(milliseconds, 1), LONGEST_TIMEOUT))
      return { cancel: () => clearInterval(handle) }
    },
    sleep: sleepBy(after),
  }
}

/** A clock's `sleep`, made of its timers. */
export function sleepBy(after: Clock['after']): Clock['sleep'] {
  return (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = after(milliseconds, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
}
