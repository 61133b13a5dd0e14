import { setTimeout as pause } from 'node:timers/promises'

/** Repeats an assertion about the world until it holds. For what no watch tells: sockets, metrics. @throws what it threw last, after ten seconds */
export async function soon(assertion: () => void | Promise<void>): Promise<void> {
  const late = AbortSignal.timeout(10_000)
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (late.aborted) throw error
      await pause(5)
    }
  }
}
