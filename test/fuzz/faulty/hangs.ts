import type { FuzzTarget } from '../fuzz-target.ts'

/** A reader that never comes back from a `!`: what the harness must find. */
const target: FuzzTarget = {
  seeds: ['a', 'b!'],
  run(input) {
    while (input.includes('!'));
  },
  isExpected: () => false,
}
export default target
