import type { Clock } from './clock.ts'

/** Waits for so long, or until the signal aborts: for loops that look at their signal themselves. */
export async function pause(clock: Pick<Clock, 'sleep'>, milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
