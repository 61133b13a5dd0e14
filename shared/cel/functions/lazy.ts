import { any, bool, fn, method, noOverload, type Overload, optional, T } from '../define.ts'
import { boolType, optionalOf } from '../type.ts'

/** Declared here for their types only: `compiler.ts` evaluates what of their arguments is needed. */
export const lazy: readonly Overload[] = [
  fn('_&&_', [bool, bool], boolType, noOverload),
  fn('_||_', [bool, bool], boolType, noOverload),
  fn('_?_:_', [bool, any(), any()], T, noOverload),
  method('or', [optional(), optional()], optionalOf(T), noOverload),
  method('orValue', [optional(), any()], T, noOverload),
]
