import type { FuzzTarget } from '../fuzz-target.ts'

/** A reader that fails, in its own way for a `?` and in another for a `!`. */
const target: FuzzTarget = {
  seeds: ['a', 'b?', 'b!'],
  run(input) {
    if (input.includes('!')) throw new TypeError('the fault')
    if (input.includes('?')) throw new Error('refused')
  },
  isExpected: (error) => error instanceof Error && error.message === 'refused',
}
export default target
