import type { Compiler, Evaluate, Frame } from './compiler.ts'
import { noOverload } from './define.ts'
import { order } from './equality.ts'
import { celLimits } from './limits.ts'
import type { Comprehension, ComprehensionMacro } from './syntax.ts'
import { CelError, CelList, CelMap, type Value, ValueList, ValueMap } from './value.ts'

/** What each step costs beside the expressions inside, as upstream's expansion of the macro comes to. */
const stepCosts: Readonly<Record<ComprehensionMacro, number>> = {
  all: 3,
  exists: 4,
  existsOne: 1,
  filter: 1,
  map: 12,
  transformList: 12,
  transformMap: 32,
  transformMapEntry: 32,
  sortBy: 12,
}

type Walked = {
  readonly frame: Frame
  readonly condition: Evaluate | undefined
  readonly result: Evaluate | undefined
  readonly step: number
}

/** A macro that walks a list or a map, compiled. */
export function compileComprehension(expression: Comprehension, compiler: Compiler): Evaluate {
  const { macro, variables } = expression
  const range = compiler.compile(expression.range)
  const inside = compiler.within(variables, (slots) => ({
    slots,
    condition: expression.condition && compiler.compile(expression.condition),
    result: expression.result && compiler.compile(expression.result),
  }))
  const { condition, result, slots } = inside
  const collect = collectors[macro]
  return (frame) => {
    const over = range(frame)
    if (over instanceof CelError) return over
    if (!(over instanceof CelList || over instanceof CelMap)) return noOverload()
    frame.meter.charge(1)
    return collect(steps(over, slots, frame), { frame, condition, result, step: stepCosts[macro] })
  }
}

/** Puts the variables in place for each item, and answers what a one-variable macro calls the item. */
function* steps(
  over: CelList | CelMap,
  slots: readonly number[],
  { locals }: Frame,
): Generator<{ readonly key: Value; readonly item: Value }> {
  const [first, second] = slots
  if (over instanceof CelList) {
    for (let index = 0; index < over.size; index++) {
      const item = over.at(index)
      const key = BigInt(index)
      locals[first!] = second === undefined ? item : key
      if (second !== undefined) locals[second] = item
      yield { key, item }
    }
    return
  }
  for (const key of over.keys()) {
    locals[first!] = key
    const value = second === undefined ? key : (over.get(key) ?? null)
    if (second !== undefined) locals[second] = value
    yield { key, item: value }
  }
}

type Steps = Generator<{ readonly key: Value; readonly item: Value }>
type Collect = (walk: Steps, walked: Walked) => Value

/** `all` and `exists`: one answer decides, and makes up for errors elsewhere. */
function quantifier(decisive: boolean): Collect {
  return (walk, { frame, condition, step }) => {
    let failure: CelError | undefined
    for (const _ of walk) {
      frame.meter.charge(step)
      const holds = condition!(frame)
      if (holds === decisive) return decisive
      if (typeof holds !== 'boolean') failure ??= holds instanceof CelError ? holds : noOverload()
    }
    return failure ?? !decisive
  }
}

/** Whether the item counts. */
function counts({ frame, condition, step }: Walked): boolean | CelError {
  frame.meter.charge(step)
  if (!condition) return true
  const holds = condition(frame)
  if (typeof holds === 'boolean') return holds
  return holds instanceof CelError ? holds : noOverload()
}

/** What is collected of each item that counts; an error ends the walk. */
function each(
  walk: Steps,
  walked: Walked,
  take: (step: { readonly key: Value; readonly item: Value }) => CelError | undefined,
): CelError | undefined {
  for (const step of walk) {
    const isIn = counts(walked)
    if (isIn instanceof CelError) return isIn
    const failure = isIn ? take(step) : undefined
    if (failure) return failure
  }
  return undefined
}

const existsOne: Collect = (walk, walked) => {
  let count = 0
  const failure = each(walk, walked, () => {
    count++
    return undefined
  })
  return failure ?? count === 1
}

const filter: Collect = (walk, walked) => {
  const items: Value[] = []
  const failure = each(walk, walked, ({ item }) => {
    walked.frame.meter.charge(12)
    items.push(item)
    return undefined
  })
  return failure ?? new ValueList(items)
}

const mapped: Collect = (walk, walked) => {
  const items: Value[] = []
  const failure = each(walk, walked, () => {
    const made = walked.result!(walked.frame)
    if (made instanceof CelError) return made
    items.push(made)
    return items.length > celLimits.items ? new CelError(`the list would have more than ${celLimits.items} items`) : undefined
  })
  return failure ?? new ValueList(items)
}

const sortBy: Collect = (walk, walked) => {
  const items: { readonly item: Value; readonly by: Value }[] = []
  const failure = each(walk, walked, ({ item }) => {
    const by = walked.result!(walked.frame)
    if (by instanceof CelError) return by
    items.push({ item, by })
    return undefined
  })
  if (failure) return failure
  let unordered: CelError | undefined
  items.sort((a, b) => {
    const found = order(a.by, b.by, walked.frame.meter)
    if (typeof found === 'number') return Number.isNaN(found) ? 0 : found
    unordered ??= found
    return 0
  })
  return unordered ?? new ValueList(items.map(({ item }) => item))
}

const transformMap: Collect = (walk, walked) => {
  const entries: (readonly [Value, Value])[] = []
  const failure = each(walk, walked, ({ key }) => {
    const made = walked.result!(walked.frame)
    if (made instanceof CelError) return made
    entries.push([key, made])
    return undefined
  })
  return failure ?? ValueMap.of(entries)
}

const transformMapEntry: Collect = (walk, walked) => {
  const entries: (readonly [Value, Value])[] = []
  const failure = each(walk, walked, () => {
    const made = walked.result!(walked.frame)
    if (made instanceof CelError) return made
    if (!(made instanceof CelMap)) return noOverload()
    walked.frame.meter.charge(made.size)
    for (const key of made.keys()) entries.push([key, made.get(key) ?? null])
    return undefined
  })
  return failure ?? ValueMap.of(entries)
}

const collectors: Readonly<Record<ComprehensionMacro, Collect>> = {
  all: quantifier(false),
  exists: quantifier(true),
  existsOne,
  filter,
  map: mapped,
  transformList: mapped,
  transformMap,
  transformMapEntry,
  sortBy,
}
