import { fn, type Overload, string } from '../define.ts'
import { traversal } from '../meter.ts'
import { stringType } from '../type.ts'

/** For paths of JSON patches (RFC 6901). */
export const jsonPointers: readonly Overload[] = [
  fn('jsonpatch.escapeKey', [string], stringType, ([key]) => key.replaceAll('~', '~0').replaceAll('/', '~1'), {
    cost: ([size]) => Math.max(1, traversal(size!)),
    size: ([size]) => size! * 2,
  }),
]
