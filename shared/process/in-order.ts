import type { Logger } from '../logging/logger.ts'
import type { Clock } from '../time/clock.ts'
import type { Service } from './run.ts'

/** A part of a service, with the name that logs use. */
export interface Part extends Pick<Service, 'start' | 'stop'> {
  name: string
}

/**
 * Starts parts in order, each after the one before is ready, and stops them in reverse; says every few seconds what it waits for.
 * A stop during the start ends the part that is starting and those before it. A part that fails to stop does not keep the others from it.
 */
export function inOrder(parts: readonly Part[], { clock, log }: { clock: Clock; log: Logger }): Pick<Service, 'start' | 'stop'> {
  const begun: Part[] = []
  let stopping = false
  const waiting = async (message: string, part: Part, work: Promise<void>) => {
    const reminder = clock.every(5_000, () => log.info(message, { part: part.name }))
    try {
      await work
    } finally {
      reminder.cancel()
    }
  }
  return {
    async start() {
      for (const part of parts) {
        if (stopping) return
        begun.push(part)
        await waiting('waiting for the start of a part', part, part.start())
      }
    },
    async stop() {
      stopping = true
      const failures: unknown[] = []
      for (let part = begun.pop(); part; part = begun.pop()) {
        await waiting('waiting for the stop of a part', part, part.stop()).catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw new AggregateError(failures, 'some parts failed to stop')
    },
  }
}
