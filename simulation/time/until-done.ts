import { setTimeout as realDelay } from 'node:timers/promises'
import type { ManualClock } from './manual-clock.ts'

/** Starts and stops touch files, so they need a little real time too; virtual time moves on beside it, for what waits for that. */
export async function untilDone(work: Promise<void>, clock: ManualClock): Promise<void> {
  let isDone = false
  const settled = work.finally(() => (isDone = true))
  settled.catch(() => {}) // reported below
  await clock.settle()
  for (let step = 1; !isDone; step++) {
    if (step > 10_000) throw new Error('a component neither starts nor stops')
    await realDelay(1)
    await (step % 10 === 0 ? clock.advance(50) : clock.settle())
  }
  await settled
}
