import { fn, int, method, type Overload, string } from '../define.ts'
import { type Meter, traversal } from '../meter.ts'
import { compiledPattern, type Pattern } from '../patterns.ts'
import { boolType, listOf, stringType } from '../type.ts'
import { CelError, type Value, ValueList } from '../value.ts'

const cost = ([text, pattern]: readonly number[]) => traversal(text! + 1) * Math.ceil(pattern! * 0.25)
const costs = { cost, size: ([text]: readonly number[]) => text! }

/** Runs a pattern over a text. Counted repetitions make more of a pattern than its characters say: that is charged, too. */
function run(text: string, pattern: string, meter: Meter, use: (pattern: Pattern) => Value): Value {
  const compiled = compiledPattern(pattern)
  if (compiled instanceof CelError) return compiled
  meter.charge(traversal(text.length + 1) * Math.max(0, compiled.weight - Math.ceil(pattern.length * 0.25)))
  return use(compiled)
}

function matches(text: string, pattern: string, meter: Meter): Value {
  return run(text, pattern, meter, ({ regex }) => regex.matcher(text).find())
}

function find(text: string, pattern: string, meter: Meter): Value {
  return run(text, pattern, meter, ({ regex }) => {
    const matcher = regex.matcher(text)
    return matcher.find() ? (matcher.group() ?? '') : ''
  })
}

function findAll(text: string, pattern: string, limit: bigint, meter: Meter): Value {
  return run(text, pattern, meter, ({ regex }) => {
    const found: string[] = []
    const matcher = regex.matcher(text)
    while ((limit < 0n || BigInt(found.length) < limit) && matcher.find()) {
      meter.charge(1)
      found.push(matcher.group() ?? '')
    }
    return new ValueList(found)
  })
}

/** Regular expressions of RE2. */
export const regex: readonly Overload[] = [
  method('matches', [string, string], boolType, ([text, pattern], meter) => matches(text, pattern, meter), cost),
  fn('matches', [string, string], boolType, ([text, pattern], meter) => matches(text, pattern, meter), cost),
  method('find', [string, string], stringType, ([text, pattern], meter) => find(text, pattern, meter), costs),
  method('findAll', [string, string], listOf(stringType), ([text, pattern], meter) => findAll(text, pattern, -1n, meter), costs),
  method(
    'findAll',
    [string, string, int],
    listOf(stringType),
    ([text, pattern, limit], meter) => findAll(text, pattern, limit, meter),
    costs,
  ),
]
