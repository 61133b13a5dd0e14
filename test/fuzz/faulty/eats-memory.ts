import type { FuzzTarget } from '../fuzz-target.ts'

/** A reader that keeps ever more for a `!`. */
const target: FuzzTarget = {
  seeds: ['a', 'b!'],
  run(input) {
    const kept: string[][] = []
    while (input.includes('!')) kept.push(Array.from({ length: 10_000 }, (_, index) => `${index} of ${kept.length}`))
  },
  isExpected: () => false,
}
export default target
