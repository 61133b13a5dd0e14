import type { Clock } from '../shared/time/clock.ts'

/** Something this machine or the cluster would not do: what, and how to cure it. Both are for the person at the terminal. */
export class CannotGoOn extends Error {
  override readonly name = 'CannotGoOn'
  readonly cure: string
  constructor(message: string, cure: string, options?: ErrorOptions) {
    super(message, options)
    this.cure = cure
  }
}

/** Prints one line per step with the time it took; `note` adds what came out of it. */
export interface Steps {
  run<T>(name: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
}

/** Steps that are printed when they end, so that those running at the same time do not mix. */
export function printedSteps(clock: Clock, print: (line: string) => void): Steps {
  return {
    async run(name, work) {
      const started = clock.monotonic()
      let remark = ''
      const line = (mark: string) =>
        print(`${mark} ${name.padEnd(34)} ${((clock.monotonic() - started) / 1000).toFixed(1).padStart(6)} s${remark && `   ${remark}`}`)
      try {
        const result = await work((text) => {
          remark = text
        })
        line('✓')
        return result
      } catch (error) {
        line('✗')
        throw error
      }
    },
  }
}
