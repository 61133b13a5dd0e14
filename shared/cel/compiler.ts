import type { Checked } from './checker.ts'
import { compileComprehension } from './comprehensions.ts'
import { noOverload, type Overload } from './define.ts'
import { noSuchKey } from './functions/access.ts'
import type { Meter } from './meter.ts'
import { ObjectValue } from './object-value.ts'
import type { Call, Expression, ListLiteral, MapLiteral, Select } from './syntax.ts'
import { CelError, CelMap, none, OptionalValue, type Value, ValueList, ValueMap } from './value.ts'

/** Where an evaluation finds its variables; undefined for one that has no value now. */
export interface Activation {
  get(name: string): Value | undefined
}

/** One evaluation: what the macros' variables are, and what has been spent. */
export interface Frame {
  readonly activation: Activation
  readonly meter: Meter
  readonly locals: Value[]
}

/** A compiled expression. */
export type Evaluate = (frame: Frame) => Value

const LIST_COST = 10
const MAP_COST = 30
const OBJECT_COST = 40

/** Makes functions of a checked expression: they find out nothing again that is known before. */
export class Compiler {
  readonly #checked: Checked
  /** Names of the macros' variables; a variable's place in `Frame.locals` is its place here. */
  readonly #locals: string[] = []

  constructor(checked: Checked) {
    this.#checked = checked
  }

  compile(expression: Expression): Evaluate {
    switch (expression.kind) {
      case 'literal': {
        const { value } = expression
        return () => value
      }
      case 'identifier':
        return this.#typeName(expression) ?? this.#variable(expression.name)
      case 'select':
        return this.#typeName(expression) ?? this.#dotted(expression) ?? this.#select(expression)
      case 'call':
        return this.#call(expression)
      case 'list':
        return this.#list(expression)
      case 'map':
        return this.#map(expression)
      case 'object': {
        const type = this.#checked.typeOf(expression)
        const fields = expression.fields.map(({ name, value, isOptional }) => ({ name, isOptional, value: this.compile(value) }))
        return (frame) => {
          frame.meter.charge(OBJECT_COST)
          return madeOf(
            fields.map(({ name, ...rest }) => ({ ...rest, key: () => name })),
            frame,
            (entries) => ObjectValue.of(type, entries),
          )
        }
      }
      case 'comprehension':
        return compileComprehension(expression, this)
      case 'bind': {
        const value = this.compile(expression.value)
        const body = this.within([expression.name], ([slot]) => ({ slot: slot!, evaluate: this.compile(expression.body) }))
        return (frame) => {
          frame.meter.charge(LIST_COST)
          const bound = value(frame)
          // An unused variable that has no value does no harm.
          frame.locals[body.slot] = bound
          return body.evaluate(frame)
        }
      }
      case 'optional-map': {
        const target = this.compile(expression.target)
        const body = this.within([expression.name], ([slot]) => ({ slot: slot!, evaluate: this.compile(expression.body) }))
        const { isFlat } = expression
        return (frame) => {
          const value = target(frame)
          if (value instanceof CelError) return value
          if (!(value instanceof OptionalValue)) return noOverload()
          frame.meter.charge(1)
          if (value.value === undefined) return none
          frame.locals[body.slot] = value.value
          const result = body.evaluate(frame)
          return isFlat || result instanceof CelError ? result : new OptionalValue(result)
        }
      }
    }
  }

  /** Compiles what may speak of these variables; it is told their places in `Frame.locals`. */
  within<R>(names: readonly string[], compile: (slots: readonly number[]) => R): R {
    const slots = names.map((name) => this.#locals.push(name) - 1)
    const result = compile(slots)
    this.#locals.length -= names.length
    return result
  }

  #typeName(expression: Expression): Evaluate | undefined {
    const type = this.#checked.typeNames.get(expression)
    return type && (() => type)
  }

  #dotted(expression: Select): Evaluate | undefined {
    const name = this.#checked.dottedNames.get(expression)
    return name === undefined ? undefined : this.#variable(name)
  }

  #variable(name: string): Evaluate {
    const slot = this.#locals.lastIndexOf(name)
    if (slot >= 0) {
      return ({ locals, meter }) => {
        meter.charge(1)
        return locals[slot]!
      }
    }
    return ({ activation, meter }) => {
      meter.charge(1)
      const value = activation.get(name)
      return value === undefined ? new CelError(`no such attribute(s): ${name}`) : value
    }
  }

  #select({ operand, field, isTest, isOptional }: Select): Evaluate {
    const read = this.compile(operand)
    return (frame) => {
      const whole = read(frame)
      if (whole instanceof CelError) return whole
      if (!isTest) frame.meter.charge(1)
      const isInside = whole instanceof OptionalValue
      const inner = isInside ? whole.value : whole
      const value = inner instanceof CelMap ? inner.field(field) : undefined
      if (isTest) return inner === undefined || inner instanceof CelMap ? value !== undefined : noOverload()
      if (isInside || isOptional) {
        if (inner !== undefined && !(inner instanceof CelMap)) return noOverload()
        return value === undefined ? none : value instanceof OptionalValue ? value : new OptionalValue(value)
      }
      if (value === undefined) return inner instanceof CelMap ? noSuchKey(field) : noOverload()
      return value
    }
  }

  #call(call: Call): Evaluate {
    const resolved = this.#checked.calls.get(call)
    const args = (resolved?.args ?? call.args).map((arg) => this.compile(arg))
    switch (call.name) {
      case '_&&_':
        return logic(args, false)
      case '_||_':
        return logic(args, true)
      case '_?_:_':
        return choice(args)
    }
    const overloads = resolved?.overloads ?? []
    if (overloads.some((each) => each.name === 'orValue' || (each.name === 'or' && each.isMethod))) return alternative(args, call.name)
    return invocation(args, overloads)
  }

  #list({ items }: ListLiteral): Evaluate {
    const parts = items.map(({ value, isOptional }) => ({ isOptional, read: this.compile(value) }))
    return (frame) => {
      frame.meter.charge(LIST_COST)
      const values: Value[] = []
      for (const { isOptional, read } of parts) {
        const value = read(frame)
        if (value instanceof CelError) return value
        if (!isOptional) values.push(value)
        else if (!(value instanceof OptionalValue)) return noOverload()
        else if (value.value !== undefined) values.push(value.value)
      }
      return new ValueList(values)
    }
  }

  #map({ entries }: MapLiteral): Evaluate {
    const parts = entries.map(({ key, value, isOptional }) => ({ isOptional, key: this.compile(key), value: this.compile(value) }))
    return (frame) => {
      frame.meter.charge(MAP_COST)
      return madeOf(parts, frame, (made) => ValueMap.of(made))
    }
  }
}

type Part = { readonly key: Evaluate; readonly value: Evaluate; readonly isOptional: boolean }

function madeOf(parts: readonly Part[], frame: Frame, make: (entries: readonly (readonly [Value, Value])[]) => Value): Value {
  const entries: (readonly [Value, Value])[] = []
  for (const part of parts) {
    const key = part.key(frame)
    if (key instanceof CelError) return key
    const value = part.value(frame)
    if (value instanceof CelError) return value
    if (!part.isOptional) entries.push([key, value])
    else if (!(value instanceof OptionalValue)) return noOverload()
    else if (value.value !== undefined) entries.push([key, value.value])
  }
  return make(entries)
}

/** `&&` and `||`: the side that decides is enough, whichever it is; only where none does, an error is the answer. */
function logic(terms: readonly Evaluate[], decisive: boolean): Evaluate {
  return (frame) => {
    let failure: CelError | undefined
    for (const term of terms) {
      const value = term(frame)
      if (value === decisive) return decisive
      if (value === !decisive) continue
      failure ??= value instanceof CelError ? value : noOverload()
    }
    return failure ?? !decisive
  }
}

function choice([condition, whenTrue, whenFalse]: readonly Evaluate[]): Evaluate {
  return (frame) => {
    const value = condition!(frame)
    if (value === true) return whenTrue!(frame)
    if (value === false) return whenFalse!(frame)
    return value instanceof CelError ? value : noOverload()
  }
}

/** `or` and `orValue`: the other side is evaluated only where there is no value. */
function alternative([target, other]: readonly Evaluate[], name: string): Evaluate {
  return (frame) => {
    const value = target!(frame)
    if (value instanceof CelError) return value
    if (!(value instanceof OptionalValue)) return noOverload()
    frame.meter.charge(1)
    if (value.value === undefined) return other!(frame)
    return name === 'or' ? value : value.value
  }
}

function invocation(args: readonly Evaluate[], overloads: readonly Overload[]): Evaluate {
  return (frame) => {
    const values: Value[] = []
    for (const arg of args) {
      const value = arg(frame)
      if (value instanceof CelError) return value
      values.push(value)
    }
    for (const overload of overloads) if (overload.fits(values)) return overload.call(values, frame.meter)
    frame.meter.charge(1)
    return noOverload()
  }
}
