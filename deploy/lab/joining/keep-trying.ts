import type { Clock } from '../../../shared/time/clock.ts'
import { JoinProblem } from './join-problem.ts'

interface Patience {
  readonly clock: Clock
  /** Milliseconds after which the problem is given up on. */
  readonly within: number
  /** Told once for each new problem. */
  readonly say: (text: string) => void
}

const PAUSE = 2_000

/** Repeats the work while what is in its way may heal, saying what it waits for. @throws the last JoinProblem, or any other error at once */
export async function keepTrying<T>(work: () => Promise<T>, { clock, within, say }: Patience): Promise<T> {
  const deadline = clock.monotonic() + within
  let said = ''
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof JoinProblem) || !error.heals || clock.monotonic() + PAUSE > deadline) throw error
      if (error.message !== said) say(`${error.message}; trying again. Cure: ${error.cure}`)
      said = error.message
      await clock.sleep(PAUSE)
    }
  }
}
