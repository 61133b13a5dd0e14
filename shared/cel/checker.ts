import { type Overload, signature } from './define.ts'
import type { Environment } from './environment.ts'
import { celLimits } from './limits.ts'
import { nameOf } from './parser.ts'
import type { Problem } from './source.ts'
import type { Call, Comprehension, Expression, ListLiteral, MapLiteral, ObjectLiteral, OptionalMap, Select } from './syntax.ts'
import * as types from './type.ts'
import { type CelType, dyn, errorType, typeName } from './type.ts'
import { namedType } from './type-names.ts'
import { Bindings, isSameType } from './unify.ts'
import { TypeValue } from './value.ts'

/** What is known of an expression before it is evaluated. */
export interface Checked {
  readonly type: CelType
  readonly problems: readonly Problem[]
  typeOf(expression: Expression): CelType
  /** The ways in which a call may be meant, and its arguments with the target first. */
  readonly calls: ReadonlyMap<Expression, ResolvedCall>
  /** Names of types that stand as values. */
  readonly typeNames: ReadonlyMap<Expression, TypeValue>
  /** Variables whose names have dots (`authorizer.requestResource`). */
  readonly dottedNames: ReadonlyMap<Expression, string>
}

export interface ResolvedCall {
  readonly overloads: readonly Overload[]
  readonly args: readonly Expression[]
}

/** Finds the type of an expression and everything that cannot be right in it. */
export function check(expression: Expression, environment: Environment): Checked {
  const checker = new Checker(environment)
  const type = checker.check(expression)
  return {
    type: checker.bindings.resolve(type, true),
    problems: checker.problems,
    typeOf: (each) => checker.bindings.resolve(checker.types.get(each) ?? dyn, true),
    calls: checker.calls,
    typeNames: checker.typeNames,
    dottedNames: checker.dottedNames,
  }
}

class Checker {
  readonly bindings = new Bindings()
  readonly problems: Problem[] = []
  readonly types = new Map<Expression, CelType>()
  readonly calls = new Map<Expression, ResolvedCall>()
  readonly typeNames = new Map<Expression, TypeValue>()
  readonly dottedNames = new Map<Expression, string>()
  readonly #environment: Environment
  /** Items of the list that `format` writes may differ, and so may what is in them. */
  #isFormatting = false
  /** Variables of macros, the innermost last. */
  readonly #locals: (readonly [string, CelType])[] = []

  constructor(environment: Environment) {
    this.#environment = environment
  }

  check(expression: Expression): CelType {
    const found = this.#typeOf(expression)
    const type = this.bindings.isTooLarge(found)
      ? this.#problem(expression.offset, `the type has more than ${celLimits.typeParts} parts`)
      : found
    this.types.set(expression, type)
    return type
  }

  #typeOf(expression: Expression): CelType {
    switch (expression.kind) {
      case 'literal':
        return literalType(expression.value)
      case 'identifier':
        return this.#name(expression, expression.name) ?? this.#undeclared(expression.offset, expression.name)
      case 'select':
        return this.#select(expression)
      case 'call':
        return this.#call(expression)
      case 'list':
        return this.#list(expression)
      case 'map':
        return this.#map(expression)
      case 'object':
        return this.#object(expression)
      case 'comprehension':
        return this.#comprehension(expression)
      case 'bind':
        return this.#within([[expression.name, this.check(expression.value)]], () => this.check(expression.body))
      case 'optional-map':
        return this.#optionalMap(expression)
    }
  }

  #problem(offset: number, message: string): CelType {
    this.problems.push({ offset, message })
    return errorType
  }

  #undeclared(offset: number, name: string): CelType {
    return this.#problem(offset, `undeclared reference to '${name}' (in container '')`)
  }

  /** The type of a variable, or of a type's name; undefined for what is neither. */
  #name(expression: Expression, name: string): CelType | undefined {
    const local = this.#locals.findLast(([known]) => known === name)
    if (local) return local[1]
    const variable = this.#environment.variables.get(name)
    if (variable) return variable
    const type = namedType(name)
    if (!type) return undefined
    this.typeNames.set(expression, new TypeValue(types.runtimeTypeName(type)))
    return types.typeOf(type)
  }

  #within<R>(variables: readonly (readonly [string, CelType])[], read: () => R): R {
    this.#locals.push(...variables)
    const result = read()
    this.#locals.length -= variables.length
    return result
  }

  #isVariable(name: string): boolean {
    return this.#environment.variables.has(name) || this.#locals.some(([known]) => known === name)
  }

  #select(expression: Select): CelType {
    const path = expression.isTest ? undefined : nameOf(expression)
    const dotted = path === undefined ? undefined : this.#environment.variables.get(path)
    if (path !== undefined && dotted) {
      this.dottedNames.set(expression, path)
      return dotted
    }
    if (path !== undefined && !this.#isVariable(path.slice(0, path.indexOf('.')))) {
      const known = this.#name(expression, path)
      if (known) return known
    }
    const operand = this.bindings.resolve(this.check(expression.operand))
    const inside = types.optionalInside(operand)
    const found = this.#field(inside ?? operand, expression)
    if (expression.isTest) return types.boolType
    return inside || expression.isOptional ? (types.optionalInside(found) ? found : types.optionalOf(found)) : found
  }

  #field(type: CelType, { field, offset }: Select): CelType {
    switch (type.kind) {
      case 'object':
        return type.field(field)?.type ?? this.#problem(offset, `undefined field '${field}'`)
      case 'map':
        if (!this.bindings.allAssignable([types.stringType], [type.key])) break
        return type.value
      case 'dyn':
      case 'error':
        return type
      case 'parameter':
        return dyn
    }
    return this.#problem(offset, `type '${typeName(type)}' does not support field selection`)
  }

  #call(call: Call): CelType {
    const { functions } = this.#environment
    const space = call.target && nameOf(call.target)
    if (call.target && space !== undefined && !this.#isVariable(space.split('.')[0]!)) {
      const full = `${space}.${call.name}`
      if (functions.has(full)) return this.#resolve(call, full, call.args, false)
    }
    const args = call.target ? [call.target, ...call.args] : call.args
    if (functions.has(call.name)) return this.#resolve(call, call.name, args, call.target !== undefined)
    for (const arg of args) this.check(arg)
    return this.#undeclared(call.offset, call.name)
  }

  #resolve(call: Call, name: string, args: readonly Expression[], isMethod: boolean): CelType {
    const outer = this.#isFormatting
    const given = args.map((arg, index) => {
      this.#isFormatting = outer || (name === 'format' && isMethod && index === 1)
      return this.check(arg)
    })
    this.#isFormatting = outer
    if (name === '_&&_' || name === '_||_') return this.#logic(call, name, given)
    if (given.some((type) => type.kind === 'error')) {
      this.calls.set(call, { overloads: this.#environment.functions.get(name) ?? [], args })
      return errorType
    }
    const fitting: Overload[] = []
    let result: CelType | undefined
    for (const overload of this.#environment.functions.get(name) ?? []) {
      if (overload.isMethod !== isMethod || overload.parameters.length !== given.length) continue
      const [answer, ...wanted] = this.bindings.freshly([overload.result, ...overload.parameters])
      if (!this.bindings.allAssignable(given, wanted)) continue
      fitting.push(overload)
      const resolved = this.bindings.resolve(answer!)
      result = result === undefined || isSameType(result, resolved) ? resolved : dyn
    }
    this.calls.set(call, { overloads: fitting, args })
    if (result !== undefined) return result
    const shown = given.map((type) => this.bindings.resolve(type, false))
    return this.#problem(call.offset, `found no matching overload for '${name}' applied to '${signature(shown, isMethod)}'`)
  }

  #logic(call: Call, name: string, given: readonly CelType[]): CelType {
    this.calls.set(call, { overloads: [], args: call.args })
    for (const [index, type] of given.entries()) {
      if (this.bindings.allAssignable([type], [types.boolType])) continue
      const pair = index === 0 ? [type, given[1]!] : [types.boolType, type]
      return this.#problem(
        call.offset,
        `found no matching overload for '${name}' applied to '${signature(
          pair.map((each) => this.bindings.resolve(each)),
          false,
        )}'`,
      )
    }
    return types.boolType
  }

  /** The one type of several parts of a literal; Kubernetes wants them to be alike. */
  #alike(parts: readonly { readonly type: CelType; readonly offset: number }[]): CelType {
    let common: CelType | undefined
    for (const { type, offset } of parts) {
      if (common === undefined) common = type
      else if (this.bindings.allAssignable([type], [common])) common = isMoreGeneral(type) ? type : common
      else if (this.bindings.allAssignable([common], [type])) common = type
      else if (this.#isFormatting) common = dyn
      else {
        const [wanted, found] = [common, type].map((each) => typeName(this.bindings.resolve(each)))
        this.#problem(offset, `expected type '${wanted}' but found '${found}'`)
      }
    }
    return common ?? this.bindings.freshParameter()
  }

  #part(value: Expression, isOptional: boolean): { type: CelType; offset: number } {
    const type = this.bindings.resolve(this.check(value))
    if (!isOptional) return { type, offset: value.offset }
    const inside = types.optionalInside(type) ?? (type.kind === 'dyn' || type.kind === 'error' ? type : undefined)
    return {
      type: inside ?? this.#problem(value.offset, `expected type 'optional_type(dyn)' but found '${typeName(type)}'`),
      offset: value.offset,
    }
  }

  #list({ items }: ListLiteral): CelType {
    return types.listOf(this.#alike(items.map(({ value, isOptional }) => this.#part(value, isOptional))))
  }

  #map({ entries }: MapLiteral): CelType {
    const keys = this.#alike(entries.map(({ key }) => this.#part(key, false)))
    return types.mapOf(keys, this.#alike(entries.map(({ value, isOptional }) => this.#part(value, isOptional))))
  }

  #object({ name, fields, offset }: ObjectLiteral): CelType {
    const type = this.#environment.objects(name)
    for (const field of fields) {
      const given = this.#part(field.value, field.isOptional).type
      const wanted = type?.field(field.name)?.type
      if (!type) continue
      if (!wanted) this.#problem(field.offset, `undefined field '${field.name}'`)
      else if (!this.bindings.allAssignable([given], [wanted])) {
        this.#problem(
          field.offset,
          `expected type of field '${field.name}' is '${typeName(wanted)}' but provided type is '${typeName(given)}'`,
        )
      }
    }
    return type ?? this.#undeclared(offset, name)
  }

  #comprehension(expression: Comprehension): CelType {
    const { macro, range, variables, condition, result, offset } = expression
    const over = this.bindings.resolve(this.check(range))
    const [key, item] = this.#walkedTypes(over, range)
    const isList = over.kind === 'list'
    const given = variables.length === 2 ? [key, item] : [isList ? item : key]
    return this.#within(
      variables.map((name, index) => [name, given[index]!] as const),
      () => {
        if (condition) this.#mustHold(condition, macro, offset)
        const made = result ? this.check(result) : dyn
        switch (macro) {
          case 'all':
          case 'exists':
          case 'existsOne':
            return types.boolType
          case 'filter':
          case 'sortBy':
            return types.listOf(given[0]!)
          case 'map':
          case 'transformList':
            return types.listOf(made)
          case 'transformMap':
            return types.mapOf(key, made)
          case 'transformMapEntry': {
            const entry = this.bindings.resolve(made)
            return entry.kind === 'map'
              ? entry
              : entry.kind === 'dyn'
                ? types.mapOf(dyn, dyn)
                : this.#problem(offset, `expected type 'map(dyn, dyn)' but found '${typeName(entry)}'`)
          }
        }
      },
    )
  }

  /** What the two variables of a walk are: index and item, or key and value. */
  #walkedTypes(over: CelType, range: Expression): readonly [CelType, CelType] {
    switch (over.kind) {
      case 'list':
        return [types.intType, over.element]
      case 'map':
        return [over.key, over.value]
      case 'dyn':
      case 'error':
        return [dyn, dyn]
      case 'parameter':
        return [dyn, dyn]
    }
    this.#problem(range.offset, `expression of type '${typeName(over)}' cannot be range of a comprehension (must be list, map, or dynamic)`)
    return [errorType, errorType]
  }

  #mustHold(condition: Expression, macro: Comprehension['macro'], offset: number): void {
    const type = this.check(condition)
    if (this.bindings.allAssignable([type], [types.boolType])) return
    const found = typeName(this.bindings.resolve(type))
    const told =
      macro === 'all'
        ? `'_&&_' applied to '(bool, ${found})'`
        : macro === 'exists'
          ? `'_||_' applied to '(bool, ${found})'`
          : `'_?_:_' applied to '(${found}, dyn, dyn)'`
    this.#problem(offset, `found no matching overload for ${told}`)
  }

  #optionalMap({ target, name, body, isFlat, offset }: OptionalMap): CelType {
    const type = this.bindings.resolve(this.check(target))
    const inside = types.optionalInside(type) ?? (type.kind === 'dyn' || type.kind === 'error' ? dyn : undefined)
    if (!inside) this.#problem(offset, `found no matching overload for 'hasValue' applied to '${typeName(type)}.()'`)
    const made = this.#within([[name, inside ?? errorType]], () => this.bindings.resolve(this.check(body)))
    return isFlat ? (types.optionalInside(made) ? made : types.optionalOf(dyn)) : types.optionalOf(made)
  }
}

function isMoreGeneral(type: CelType): boolean {
  return type.kind === 'dyn'
}

function literalType(value: unknown): CelType {
  if (value === null) return types.nullType
  switch (typeof value) {
    case 'boolean':
      return types.boolType
    case 'bigint':
      return types.intType
    case 'number':
      return types.doubleType
    case 'string':
      return types.stringType
    default:
      return value instanceof Uint8Array ? types.bytesType : types.uintType
  }
}
