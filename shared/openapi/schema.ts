/**
 * One node of a schema: what a JSON value at some place of an object must look like, and how it merges.
 * The nodes of built-in kinds come from the generated table (`document.ts`); a custom resource's own schema can make them too.
 */

/** The JSON type. `map` is an object with free keys, `any` is every JSON value. */
export type NodeType = 'object' | 'map' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'any'

/**
 * Values whose JSON form has rules of its own: `quantity` (string or number), `int-or-string`, `time` (RFC 3339, seconds; null allowed),
 * `micro-time` (RFC 3339, microseconds; null allowed), `duration` (Go's notation, `1h30m`).
 */
export type Scalar = 'quantity' | 'int-or-string' | 'time' | 'micro-time' | 'duration'

/** How server-side apply sees a list: owned as a whole, a set of scalars, or items told apart by their map keys. */
export type ListType = 'atomic' | 'set' | 'map'

/** What a node says of itself. Everything is optional but the type. */
export interface NodeFacts {
  readonly type: NodeType
  readonly format?: string | undefined
  readonly scalar?: Scalar | undefined
  /** Fields of an object, in the order of the Go struct. */
  readonly fields?: ReadonlyMap<string, SchemaNode> | undefined
  readonly items?: SchemaNode | undefined
  readonly values?: SchemaNode | undefined
  readonly open?: boolean | undefined
  readonly union?: Union | undefined
  readonly required?: boolean | undefined
  readonly alwaysEmitted?: boolean | undefined
  readonly pointer?: boolean | undefined
  readonly patchStrategies?: readonly string[] | undefined
  readonly patchMergeKey?: string | undefined
  readonly listType?: ListType | undefined
  readonly listMapKeys?: readonly string[] | undefined
  readonly mapType?: 'atomic' | 'granular' | undefined
  readonly enum?: readonly string[] | undefined
  readonly default?: unknown
}

/** At most one of the fields is meant to be set; `discriminator`, if any, is the field that says which. */
export type Union = { readonly discriminator: string | undefined; readonly fields: readonly string[] }

const noFields: ReadonlyMap<string, SchemaNode> = new Map()
const noNames: readonly string[] = []

/**
 * A place in an object. Facts of the field (required, merge keys) are its own; what is below it comes from the definition it refers to,
 * which is found on first use and then kept, so that walking the same place again costs only property reads.
 */
export class SchemaNode {
  /** Full name of the definition this node refers to, e.g. `io.k8s.api.core.v1.PodSpec`; undefined for an inline type. */
  readonly ref: string | undefined
  /** The field must be there, by the official schema. Says nothing of the value: an empty string may still be wrong. */
  readonly isRequired: boolean
  /** Go's encoder writes the field even when nothing was set: decoding must fill it in with `emptyValue()`. */
  readonly alwaysEmitted: boolean
  /** A Go pointer: absent and empty are different things. */
  readonly isPointer: boolean
  /** Strategic merge patch: some of `merge`, `replace`, `retainKeys`. */
  readonly patchStrategies: readonly string[]
  /** Strategic merge patch: the field by which items of a list are told apart. */
  readonly patchMergeKey: string | undefined
  /** Server-side apply: who owns what in a list. Undefined means atomic. */
  readonly listType: ListType | undefined
  /** Server-side apply: the fields that identify an item of a `map` list. */
  readonly listMapKeys: readonly string[]
  /** The closed set of strings, sorted, where Go declares one. It binds the items of an array. */
  readonly enum: readonly string[] | undefined
  /** The default the schema itself declares (not those that defaulting code adds); undefined if there is none. */
  readonly default: unknown
  readonly #facts: NodeFacts
  readonly #target: (() => SchemaNode) | undefined
  #resolved: SchemaNode | undefined
  #required: readonly string[] | undefined
  #filled: readonly (readonly [string, SchemaNode])[] | undefined

  /**
   * @param facts the node's own facts; `type` is ignored where `target` is given
   * @param target the definition referred to, looked up once on first use
   */
  constructor(facts: NodeFacts, ref?: string, target?: () => SchemaNode) {
    this.ref = ref
    this.isRequired = facts.required ?? false
    this.alwaysEmitted = facts.alwaysEmitted ?? false
    this.isPointer = facts.pointer ?? false
    this.patchStrategies = facts.patchStrategies ?? noNames
    this.patchMergeKey = facts.patchMergeKey
    this.listType = facts.listType
    this.listMapKeys = facts.listMapKeys ?? noNames
    this.enum = facts.enum
    this.default = facts.default
    this.#facts = facts
    this.#target = target
  }

  get type(): NodeType {
    return this.#definition.#facts.type
  }

  /** The official `format`: `int32`, `int64`, `double`, `byte`, `date-time`, `int-or-string`. */
  get format(): string | undefined {
    return this.#definition.#facts.format
  }

  get scalar(): Scalar | undefined {
    return this.#definition.#facts.scalar
  }

  /** Fields of an object by name; empty for anything else. */
  get fields(): ReadonlyMap<string, SchemaNode> {
    return this.#definition.#facts.fields ?? noFields
  }

  /** The items of an array. */
  get items(): SchemaNode | undefined {
    return this.#facts.items
  }

  /** The values of a map. */
  get values(): SchemaNode | undefined {
    return this.#facts.values
  }

  /** Unknown fields belong here: raw JSON inside. */
  get isOpen(): boolean {
    return this.#definition.#facts.open ?? false
  }

  /** `atomic` if the object is replaced as a whole by server-side apply: said by the field or by the definition. */
  get mapType(): 'atomic' | 'granular' | undefined {
    return this.#facts.mapType ?? this.#definition.#facts.mapType
  }

  /** The map type that the field itself declares, leaving out its definition's. */
  get ownMapType(): 'atomic' | 'granular' | undefined {
    return this.#facts.mapType
  }

  get union(): Union | undefined {
    return this.#definition.#facts.union
  }

  /** Names of the fields that must be there. */
  get requiredFields(): readonly string[] {
    const definition = this.#definition
    definition.#required ??= [...definition.fields].filter(([, field]) => field.isRequired).map(([name]) => name)
    return definition.#required
  }

  /** The fields an encoded object always has, with their nodes: what structural filling walks. */
  get filledFields(): readonly (readonly [string, SchemaNode])[] {
    const definition = this.#definition
    definition.#filled ??= [...definition.fields].filter(([, field]) => field.alwaysEmitted)
    return definition.#filled
  }

  /**
   * What Go's encoder writes here when nothing was set: null for pointers, lists, maps, times and raw JSON, the zero of a scalar,
   * and for a struct a fresh object with its own always-emitted fields.
   */
  emptyValue(): unknown {
    if (this.isPointer) return null
    switch (this.scalar) {
      case 'quantity':
        return '0'
      case 'int-or-string':
        return 0
      case 'duration':
        return '0s'
      case 'time':
      case 'micro-time':
        return null
      case undefined:
        return this.#emptyPlainValue()
    }
  }

  #emptyPlainValue(): unknown {
    switch (this.type) {
      case 'object': {
        if (this.isOpen) return null
        const value: Record<string, unknown> = {}
        for (const [name, field] of this.filledFields) value[name] = field.emptyValue()
        return value
      }
      case 'string':
        return this.format === 'byte' ? null : ''
      case 'integer':
      case 'number':
        return 0
      case 'boolean':
        return false
      default:
        return null
    }
  }

  get #definition(): SchemaNode {
    if (!this.#target) return this
    this.#resolved ??= this.#target()
    return this.#resolved
  }
}
