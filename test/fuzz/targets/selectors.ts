import { parseFieldSelector } from '../../../shared/selectors/field-selector.ts'
import { parseLabelSelector } from '../../../shared/selectors/label-selector.ts'
import { SelectorError } from '../../../shared/selectors/selector-error.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

/** Label and field selectors: the text of what was read reads as the same. */
const target: FuzzTarget = {
  seeds: [
    'a=b,c!=d,e in (f,g),h notin (i),!j,k,l>1,m<2',
    'metadata.name=a\\,b,status.phase!=c',
    'constructor in (in,notin)',
    'example.com/a==b',
  ],
  words: [' in (', ' notin (', '!', '=', '==', '!=', ',', ')', '\\', '\\,', '__proto__', 'toString', '>', '<', ' ', '\t'],
  run(input) {
    const text = input.toString()
    for (const parse of [parseLabelSelector, parseFieldSelector]) {
      try {
        const selector = parse(text)
        const written = selector.toString()
        if (parse(written).toString() !== written) throw new Error(`${written} reads as ${parse(written)}`)
        if (parse === parseLabelSelector) parseLabelSelector(text).matches({ constructor: 'a', a: 'b' })
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error
      }
    }
  },
  isExpected: () => false,
}
export default target
