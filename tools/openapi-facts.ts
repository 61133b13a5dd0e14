/**
 * Go types → schema facts, by the rules of Kubernetes' own OpenAPI generator and of Go's JSON encoder.
 * Facts only: no description ever enters.
 */
import type { GoConstant, GoField, GoType } from './go-parser.ts'
import type { GoPackage } from './openapi-source.ts'

/** A type as it looks in JSON. */
export type FactType =
  | { readonly kind: 'scalar'; readonly name: ScalarName }
  | { readonly kind: 'ref'; readonly definition: string }
  | { readonly kind: 'array'; readonly of: FactType }
  | { readonly kind: 'map'; readonly of: FactType }

/** `bytes` is base64 in JSON; `any` is every JSON value. */
export type ScalarName = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' | 'any'

export type FieldFacts = {
  readonly name: string
  readonly type: FactType
  readonly required: boolean
  /** Go's encoder writes the field even when it holds nothing. */
  readonly alwaysEmitted: boolean
  readonly pointer: boolean
  readonly patchStrategy?: string | undefined
  readonly patchMergeKey?: string | undefined
  readonly listType?: string | undefined
  readonly listMapKeys?: readonly string[] | undefined
  readonly mapType?: string | undefined
  readonly enum?: readonly string[] | undefined
  /** The default the schema names, as JSON text. */
  readonly default?: string | undefined
  /**
   * Field number in protobuf; `2.19` for a field of a struct that is embedded as field 2, `4[]` for a list in a message of its own.
   * Undefined where the field does not travel.
   */
  readonly wire?: string | undefined
}

export type DefinitionFacts = {
  readonly name: string
  readonly package: string
  /** 'object' for a Go struct; '' for a definition that allows every JSON value. */
  readonly type: 'object' | 'string' | ''
  readonly format?: string | undefined
  readonly mapType?: string | undefined
  /** Registered as a kind of its package's group version. */
  readonly isKind: boolean
  /** The group version of the kind, where it is not its package's. */
  readonly apiVersion?: string | undefined
  /** Holds any fields (raw JSON inside). */
  readonly open: boolean
  readonly union?: { readonly discriminator: string | undefined } | undefined
  readonly fields: readonly FieldFacts[]
}

/** Types still shipped although the API server has no storage for them any more; their sources do not say so. */
const unservedPackages = new Set(['k8s.io/api/node/v1alpha1', 'k8s.io/api/rbac/v1alpha1'])

/** Go packages by import path, and the questions asked of them. */
export class GoUniverse {
  readonly packages: ReadonlyMap<string, GoPackage>

  constructor(packages: readonly GoPackage[]) {
    this.packages = new Map(packages.map((each) => [each.path, each]))
  }

  method(at: GoPackage, type: string, name: string): string | undefined {
    return at.methods.find((method) => method.receiver === type && method.name === name)?.value
  }

  /** The string constants declared for an `+enum` type, sorted; undefined for any other type. */
  enumOf(at: GoPackage, type: GoType): string[] | undefined {
    if (!type.markers.some((marker) => marker === 'enum' || marker === 'k8s:enum')) return undefined
    const constants = at.constants.filter((constant) => constant.type === type.name)
    const values = constants.map((constant) => this.#valueOf(at, type.name, constant))
    return values.length > 0 ? [...new Set(values)].sort() : undefined
  }

  /** Follows a constant that stands for another one. */
  #valueOf(at: GoPackage, user: string, constant: GoConstant): string {
    if (constant.reference === undefined) return constant.value
    const [first, second] = constant.reference.split('.')
    const path = second === undefined ? at.path : at.importsOf.get(user)?.get(first!)
    const owner = path === undefined ? undefined : this.packages.get(path)
    const target = owner?.constants.find((each) => each.name === (second ?? first))
    if (!owner || !target) throw new Error(`${at.path}.${constant.name} stands for ${constant.reference}, which is not among the sources`)
    return this.#valueOf(owner, user, target)
  }

  /** Whether the API server of this release no longer serves the type (its life cycle says in which release it was removed). */
  isRemoved(at: GoPackage, type: string, minor: number): boolean {
    if (unservedPackages.has(at.path)) return true
    const removed = /^1, (\d+)$/.exec(this.method(at, type, 'APILifecycleRemoved') ?? '')
    return removed !== null && Number(removed[1]) <= minor
  }
}

/** The official definition name: the domain turned round, slashes as dots. */
export function definitionName(packagePath: string, type: string): string {
  const [domain, ...rest] = packagePath.split('/')
  return [...domain!.split('.').reverse(), ...rest, type].join('.')
}

const scalars: ReadonlyMap<string, ScalarName> = new Map([
  ['string', 'string'],
  ['bool', 'bool'],
  ['int', 'int32'],
  ['int8', 'int32'],
  ['int32', 'int32'],
  ['uint8', 'int32'],
  ['uint32', 'int64'],
  ['int64', 'int64'],
  ['float64', 'double'],
  ['[]byte', 'bytes'],
  ['interface{}', 'any'],
  ['any', 'any'],
  ['time.Duration', 'int64'],
])

type Resolved = { readonly type: FactType; readonly pointer: boolean; readonly byValueStruct: boolean; readonly enum: string[] | undefined }

export class FactReader {
  readonly #universe: GoUniverse

  constructor(universe: GoUniverse) {
    this.#universe = universe
  }

  /** The facts of one named type, or undefined if the type has no definition of its own. */
  definition(at: GoPackage, type: GoType): DefinitionFacts | undefined {
    const schemaType = this.#universe.method(at, type.name, 'OpenAPISchemaType')
    const isKind = at.registered.has(type.name)
    const name = definitionName(at.path, type.name)
    const base = { name, package: at.path, isKind, open: false, fields: [] }
    if (schemaType !== undefined) {
      const format = /^"(.*)"$/.exec(this.#universe.method(at, type.name, 'OpenAPISchemaFormat') ?? '')?.[1]
      const isString = schemaType.includes('"string"')
      return { ...base, type: isString ? 'string' : '', format: format || undefined, open: !isString }
    }
    const struct = this.#structOf(at, type)
    if (!struct) return undefined
    const fields = this.#fields(struct.at, struct.type)
    const isRaw = fields.length === 0 && struct.type.fields!.some((field) => field.tags.get('json') === '-')
    return {
      ...base,
      type: 'object',
      open: isRaw,
      mapType: value(type.markers, 'structType'),
      union: unionOf(struct.type),
      fields,
    }
  }

  /** Follows `type A B` to the struct that gives the fields. */
  #structOf(at: GoPackage, type: GoType): { at: GoPackage; type: GoType } | undefined {
    if (type.fields) return { at, type }
    const found = this.#lookUp(at, type.name, type.target!.replace(/^= /, ''))
    return found && this.#structOf(found.at, found.type)
  }

  #lookUp(at: GoPackage, user: string, expression: string): { at: GoPackage; type: GoType } | undefined {
    const [first, second] = expression.split('.')
    const path = second === undefined ? at.path : at.importsOf.get(user)?.get(first!)
    const owner = path === undefined ? undefined : this.#universe.packages.get(path)
    const type = owner?.types.get(second ?? first!)
    return owner && type && { at: owner, type }
  }

  #fields(at: GoPackage, struct: GoType, wirePrefix: string | null = ''): FieldFacts[] {
    return struct.fields!.flatMap((field) => {
      const json = field.tags.get('json')
      const [name, ...options] = (json ?? '').split(',')
      if (json === '-') return []
      if (field.embedded && !name) {
        const inner = this.#lookUp(at, struct.name, field.type)
        const target = inner && this.#structOf(inner.at, inner.type)
        if (!target) throw new Error(`${at.path}.${struct.name} embeds ${field.type}, which is not among the sources`)
        const number = wireNumber(field)
        return this.#fields(target.at, target.type, number && wirePrefix !== null ? `${wirePrefix}${number}.` : null)
      }
      const number = wireNumber(field)
      const wire = number && wirePrefix !== null ? wirePrefix + number + (this.#isWrapped(at, struct, field) ? '[]' : '') : undefined
      return name ? [{ ...this.#field(at, struct, field, name, options), wire }] : []
    })
  }

  /** A named list that is told apart from none when it is empty travels as a message with the items in it. */
  #isWrapped(at: GoPackage, struct: GoType, field: GoField): boolean {
    const named = /^[A-Z]\w*$/.test(field.type) ? this.#lookUp(at, struct.name, field.type)?.type : undefined
    return named?.target?.startsWith('[]') === true && named.markers.includes('protobuf.nullable=true')
  }

  #field(at: GoPackage, struct: GoType, field: GoField, name: string, options: readonly string[]): FieldFacts {
    const resolved = this.#resolve(at, struct.name, field.type)
    const omitEmpty = options.includes('omitempty')
    const listMapKeys = [...values(field.markers, 'listMapKey'), ...values(field.markers, 'k8s:listMapKey')]
    return {
      name,
      type: resolved.type,
      required: isRequired(field, omitEmpty),
      alwaysEmitted: !options.includes('omitzero') && (!omitEmpty || resolved.byValueStruct),
      pointer: resolved.pointer,
      patchStrategy: field.tags.get('patchStrategy') ?? value(field.markers, 'patchStrategy'),
      patchMergeKey: field.tags.get('patchMergeKey') ?? value(field.markers, 'patchMergeKey'),
      listType: value(field.markers, 'listType') ?? value(field.markers, 'k8s:listType'),
      listMapKeys: listMapKeys.length > 0 ? [...new Set(listMapKeys)] : undefined,
      mapType: value(field.markers, 'mapType') ?? value(field.markers, 'structType'),
      enum: resolved.enum,
      default: this.#default(at, value(field.markers, 'default')),
    }
  }

  /** A default is JSON, or `ref(Name)` of a constant. */
  #default(at: GoPackage, text: string | undefined): string | undefined {
    const named = /^ref\((\w+)\)$/.exec(text ?? '')
    if (!named) return text
    const constant = at.constants.find((each) => each.name === named[1])
    if (!constant) throw new Error(`the default ${text} names no constant of ${at.path}`)
    return JSON.stringify(constant.value)
  }

  #resolve(at: GoPackage, user: string, expression: string): Resolved {
    const plain = { pointer: false, byValueStruct: false, enum: undefined }
    const scalar = scalars.get(expression)
    if (scalar) return { ...plain, type: { kind: 'scalar', name: scalar } }
    if (expression.startsWith('*')) return { ...this.#resolve(at, user, expression.slice(1)), pointer: true, byValueStruct: false }
    if (expression.startsWith('[]')) {
      const item = this.#resolve(at, user, expression.slice(2))
      return { ...plain, type: { kind: 'array', of: item.type }, enum: item.enum }
    }
    const map = /^map\[[\w.]+\](.+)$/.exec(expression)
    if (map) return { ...plain, type: { kind: 'map', of: this.#resolve(at, user, map[1]!).type } }
    const found = this.#lookUp(at, user, expression)
    if (!found) throw new Error(`${at.path}.${user} uses ${expression}, which is not among the sources`)
    const special = this.#universe.method(found.at, found.type.name, 'OpenAPISchemaType') !== undefined
    if (special || this.#structOf(found.at, found.type)) {
      return { ...plain, byValueStruct: true, type: { kind: 'ref', definition: this.#refName(found.at, found.type) } }
    }
    const target = found.type.target!.replace(/^= /, '')
    return { ...this.#resolve(found.at, found.type.name, target), enum: this.#universe.enumOf(found.at, found.type) }
  }

  /** A true alias (`type A = B`) has no definition of its own. */
  #refName(at: GoPackage, type: GoType): string {
    if (!type.target?.startsWith('= ')) return definitionName(at.path, type.name)
    const found = this.#lookUp(at, type.name, type.target.slice(2))!
    return this.#refName(found.at, found.type)
  }
}

/** The number of a tag like `protobuf:"bytes,2,opt,name=spec"`. */
function wireNumber(field: GoField): string | undefined {
  return field.tags.get('protobuf')?.split(',')[1]
}

/** `+required` and `+optional` decide; without either, omitempty does. */
function isRequired(field: GoField, omitEmpty: boolean): boolean {
  if (field.markers.includes('required')) return true
  if (field.markers.includes('optional')) return false
  return !omitEmpty
}

function unionOf(struct: GoType): DefinitionFacts['union'] {
  if (!struct.markers.includes('union')) return undefined
  const field = struct.fields!.find((each) => each.markers.includes('unionDiscriminator'))
  return { discriminator: field?.tags.get('json')?.split(',')[0] }
}

function values(markers: readonly string[], name: string): string[] {
  return markers.filter((marker) => marker.startsWith(`${name}=`)).map((marker) => marker.slice(name.length + 1).split(' ')[0]!)
}

function value(markers: readonly string[], name: string): string | undefined {
  return values(markers, name)[0]
}
