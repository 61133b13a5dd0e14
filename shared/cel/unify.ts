import { celLimits } from './limits.ts'
import { type CelType, dyn, typeName } from './type.ts'

/** What parameters of types stand for, as far as it has been found out. */
export class Bindings {
  readonly #bound = new Map<string, CelType>()
  /** What was bound before each change, to go back; copying all of it for each call would take the square of the expression's size. */
  readonly #changes: (readonly [name: string, before: CelType | undefined])[] = []
  #fresh = 0

  /** A type with its parameters renamed, so that each call has its own. */
  freshly(types: readonly CelType[]): CelType[] {
    const suffix = `#${this.#fresh++}`
    const rename = (type: CelType): CelType => mapType(type, (name) => ({ kind: 'parameter', name: `${name}${suffix}` }))
    return types.map(rename)
  }

  freshParameter(): CelType {
    return { kind: 'parameter', name: `_#${this.#fresh++}` }
  }

  /** Whether values of these types may stand where those are wanted; what parameters become is kept only if all may. */
  allAssignable(given: readonly CelType[], wanted: readonly CelType[]): boolean {
    if (given.length !== wanted.length) return false
    this.#changes.length = 0
    if (given.every((type, index) => this.#assignable(type, wanted[index]!))) return true
    for (const [name, before] of this.#changes.reverse()) {
      if (before === undefined) this.#bound.delete(name)
      else this.#bound.set(name, before)
    }
    return false
  }

  #set(name: string, type: CelType): void {
    this.#changes.push([name, this.#bound.get(name)])
    this.#bound.set(name, type)
  }

  /** The type with everything known put in; what is not known is `dyn` where `isFinal`. */
  resolve(type: CelType, isFinal = false): CelType {
    return mapType(type, (name) => {
      const bound = this.#bound.get(name)
      if (bound) return this.resolve(bound, isFinal)
      return isFinal ? dyn : { kind: 'parameter', name }
    })
  }

  /** Whether a type has more parts than are followed: one that is twice in the next doubles with each, and looking at it would never end. */
  isTooLarge(type: CelType): boolean {
    let left: number = celLimits.typeParts
    const walk = (part: CelType): boolean => {
      if (--left < 0) return true
      const each = this.#shallow(part)
      switch (each.kind) {
        case 'list':
          return walk(each.element)
        case 'map':
          return walk(each.key) || walk(each.value)
        case 'opaque':
          return each.parameters.some(walk)
        case 'type':
          return walk(each.of)
        default:
          return false
      }
    }
    return walk(type)
  }

  #shallow(type: CelType): CelType {
    let found = type
    while (found.kind === 'parameter') {
      const bound = this.#bound.get(found.name)
      if (!bound) break
      found = bound
    }
    return found
  }

  #assignable(given: CelType, wanted: CelType): boolean {
    const from = this.#shallow(given)
    const to = this.#shallow(wanted)
    if (to.kind === 'parameter') return (from.kind === 'parameter' && from.name === to.name) || this.#bind(to.name, from)
    if (from.kind === 'parameter') return this.#bind(from.name, to)
    if (isAny(from)) {
      // The more general of the two is kept: a list of ints and anything is a list of anything.
      if (wanted.kind === 'parameter' && from.kind === 'dyn') this.#set(this.#lastName(wanted), from)
      return true
    }
    if (isAny(to)) return true
    if (from.kind === 'null') return isNullable(to)
    if (to.kind === 'null') return isNullable(from)
    switch (from.kind) {
      case 'list':
        return to.kind === 'list' && this.#assignable(from.element, to.element)
      case 'map':
        return to.kind === 'map' && this.#assignable(from.key, to.key) && this.#assignable(from.value, to.value)
      case 'object':
        return to.kind === 'object' && from.name === to.name
      case 'opaque':
        return (
          to.kind === 'opaque' &&
          from.name === to.name &&
          from.parameters.every((each, index) => to.parameters[index] !== undefined && this.#assignable(each, to.parameters[index]))
        )
      default:
        return from.kind === to.kind
    }
  }

  /** The end of a chain of parameters. */
  #lastName(type: { readonly kind: 'parameter'; readonly name: string }): string {
    let { name } = type
    for (let next = this.#bound.get(name); next?.kind === 'parameter'; next = this.#bound.get(name)) name = next.name
    return name
  }

  #bind(name: string, type: CelType): boolean {
    if (occurs(name, this.resolve(type))) return false
    this.#set(name, type)
    return true
  }
}

function isAny(type: CelType): boolean {
  return type.kind === 'dyn' || type.kind === 'error'
}

/** Where `null` may stand. */
function isNullable(type: CelType): boolean {
  return type.kind === 'null' || type.kind === 'object' || type.kind === 'opaque' || type.kind === 'timestamp' || type.kind === 'duration'
}

function occurs(name: string, type: CelType): boolean {
  let found = false
  mapType(type, (each) => {
    if (each === name) found = true
    return { kind: 'parameter', name: each }
  })
  return found
}

/** The type with each parameter replaced. */
function mapType(type: CelType, replace: (name: string) => CelType): CelType {
  switch (type.kind) {
    case 'parameter':
      return replace(type.name)
    case 'list': {
      const element = mapType(type.element, replace)
      return element === type.element ? type : { ...type, element }
    }
    case 'map': {
      const [key, value] = [mapType(type.key, replace), mapType(type.value, replace)]
      return key === type.key && value === type.value ? type : { ...type, key, value }
    }
    case 'opaque':
      return type.parameters.length === 0 ? type : { ...type, parameters: type.parameters.map((each) => mapType(each, replace)) }
    case 'type':
      return { ...type, of: mapType(type.of, replace) }
    default:
      return type
  }
}

/** Whether two types are written the same. */
export function isSameType(a: CelType, b: CelType): boolean {
  return a === b || typeName(a) === typeName(b)
}
