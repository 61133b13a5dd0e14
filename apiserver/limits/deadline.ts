import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** Fails with 504 when the work takes longer; the work itself cannot be taken back and ends on its own. */
export function withDeadline<T>(work: Promise<T>, milliseconds: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(milliseconds, () => {
      reject(new StatusError('Timeout', 'request did not complete within the allotted timeout'))
    })
    work.then(resolve, reject).finally(() => timer.cancel())
  })
}
