import type { KubeObject } from '../../shared/objects/object.ts'
import { joinApiVersion, type KindFacts, kindFacts, schemaOf } from '../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { prefixOf } from '../storage/keys.ts'
import type { FurtherVersion, ResourceDefinition } from './define-resource.ts'
import type { RunTimeShape } from './run-time-shape.ts'

/** A sub-resource as it is served. */
export interface ServedSubresource {
  readonly name: string
  readonly how: 'status' | 'scale' | 'view' | 'action' | 'connect'
  /** The kind in the body, for discovery. */
  readonly apiVersion: string
  readonly kind: string
  readonly verbs: readonly string[]
}

/** A definition with its facts: what the generic verbs are driven by. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly definition: ResourceDefinition<T>
  readonly facts: KindFacts
  readonly schema: SchemaNode
  readonly group: string
  readonly version: string
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly listKind: string
  readonly namespaced: boolean
  readonly verbs: ReadonlySet<string>
  readonly subresources: ReadonlyMap<string, ServedSubresource>
  /** How this version is made of the stored one, and which that is; undefined where it is the stored one itself. See versions.ts. */
  readonly further: { readonly conversion: FurtherVersion; readonly stored: Resource } | undefined
  /** Of a kind that was defined while the server runs; undefined for those of the release. */
  readonly custom: RunTimeShape | undefined
  /** Where its objects live in the store. */
  readonly prefix: string
  /** For error messages: `deployments.apps`. */
  readonly named: { group: string; resource: string }
  /** What `status` is on a new object; undefined for kinds whose status (if any) is no sub-resource. */
  readonly hasStatus: boolean
  /** Whether metadata.generation counts. */
  readonly hasGeneration: boolean
  /** Names of selectable fields besides name and namespace, in the order of `ObjectFacts.fields`. */
  readonly selectable: readonly string[]
}

/** Verbs that Kubernetes' clients know, in the order of discovery. */
const editVerbs = ['get', 'patch', 'update']

/** Every served resource; handed its definitions, imports none. Kinds that are defined at run time come and go by the name of their definition. */
export class ResourceTable {
  readonly #byPath = new Map<string, Resource>()
  /** By apiVersion, then by kind: admission asks by names that are always the same texts, and joining them would cost more than looking. */
  readonly #byKind = new Map<string, Map<string, Resource>>()
  readonly #byPrefix = new Map<string, Resource>()
  readonly #custom = new Map<string, CustomKind>()
  #version = 0

  constructor(definitions: readonly ResourceDefinition[]) {
    for (const definition of definitions) {
      const stored = describe(definition)
      this.#add(stored)
      if (!this.#byPrefix.has(stored.prefix)) this.#byPrefix.set(stored.prefix, stored)
      for (const further of definition.hooks.alsoServed ?? []) this.#add(describe(definition, { conversion: further, stored }))
    }
  }

  /** The kinds of the release, and these instead of the custom ones that are served here; undefined ones are left out. */
  withCustomKinds(kinds: Iterable<readonly [definition: string, kind: CustomKind | undefined]>): ResourceTable {
    const other = new ResourceTable([])
    for (const resource of this.#byPath.values()) if (!resource.custom) other.#add(resource)
    for (const [prefix, resource] of this.#byPrefix) if (!resource.custom) other.#byPrefix.set(prefix, resource)
    for (const [definition, kind] of kinds) if (kind) other.serve(definition, kind)
    return other
  }

  /** Another number after every change: what was made of `all()` may be kept till then. */
  get version(): number {
    return this.#version
  }

  /** Serves a kind, or another form of it. What the release serves is not replaced. Answers what is not served any more. */
  serve(definition: string, kind: CustomKind): readonly Resource[] {
    const before = this.retire(definition)
    const isFree = (resource: Resource) => !this.#byPath.has(pathOf(resource)) && !this.ofKind(resource.apiVersion, resource.kind)
    const served = kind.served.filter(isFree)
    if (this.#byPrefix.has(kind.stored.prefix)) return before
    this.#custom.set(definition, { served, stored: kind.stored })
    for (const resource of served) this.#add(resource)
    this.#byPrefix.set(kind.stored.prefix, kind.stored)
    return before
  }

  /** Serves it no more; answers what was served. */
  retire(definition: string): readonly Resource[] {
    this.#version++
    const known = this.#custom.get(definition)
    if (!known) return []
    this.#custom.delete(definition)
    this.#byPrefix.delete(known.stored.prefix)
    for (const resource of known.served) {
      this.#byPath.delete(pathOf(resource))
      this.#byKind.get(resource.apiVersion)?.delete(resource.kind)
    }
    return known.served
  }

  #add(resource: Resource): void {
    this.#byPath.set(pathOf(resource), resource)
    const ofVersion = this.#byKind.get(resource.apiVersion) ?? new Map<string, Resource>()
    this.#byKind.set(resource.apiVersion, ofVersion.set(resource.kind, resource))
  }

  /** By the words of a URL. */
  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(group === '' ? `${version}/${plural}` : `${group}/${version}/${plural}`)
  }

  ofKind(apiVersion: string, kind: string): Resource | undefined {
    return this.#byKind.get(apiVersion)?.get(kind)
  }

  /** By the first two segments of a storage key, with the slash at the end. */
  ofPrefix(prefix: string): Resource | undefined {
    return this.#byPrefix.get(prefix)
  }

  /** Whether any group has a resource of that plural. */
  hasPlural(plural: string): boolean {
    for (const resource of this.#byPath.values()) if (resource.plural === plural) return true
    return false
  }

  all(): readonly Resource[] {
    return [...this.#byPath.values()]
  }
}

/** A kind that was defined while the server runs. */
export interface CustomKind {
  /** Its served versions. */
  readonly served: readonly Resource[]
  /** The version it is stored in, served or not. */
  readonly stored: Resource
}

const pathOf = ({ apiVersion, plural }: Resource) => `${apiVersion}/${plural}`

function describe(definition: ResourceDefinition, further?: Resource['further']): Resource {
  const { apiVersion, kind } = further?.conversion ?? definition
  const facts = kindFacts(apiVersion, kind)
  const schema = schemaOf(apiVersion, kind)
  if (!facts || !schema) throw new Error(`${apiVersion} ${kind} is no resource of this release`)
  const { hooks } = definition
  const hasStatus = facts.subresources.has('status')
  return {
    definition,
    facts,
    schema,
    group: facts.group,
    version: facts.version,
    apiVersion: joinApiVersion(facts.group, facts.version),
    kind: facts.kind,
    plural: facts.plural,
    listKind: `${facts.kind}List`,
    namespaced: facts.namespaced,
    verbs: new Set(hooks.verbs ?? (hooks.answer ? ['create'] : facts.verbs)),
    subresources: subresourcesOf({ hooks, apiVersion, kind }, facts),
    further,
    custom: undefined,
    prefix: further?.stored.prefix ?? prefixOf(facts.group, facts.plural),
    named: { group: facts.group, resource: facts.plural },
    hasStatus,
    hasGeneration: hooks.generation ?? (hasStatus && schema.fields.has('spec')),
    selectable: Object.keys(hooks.selectableFields ?? {}),
  }
}

function subresourcesOf({ hooks, apiVersion, kind }: ResourceDefinition, facts: KindFacts): Map<string, ServedSubresource> {
  const served = new Map<string, ServedSubresource>()
  const add = (name: string, how: ServedSubresource['how'], own: { apiVersion: string; kind: string; verbs: readonly string[] }) => {
    const known = facts.subresources.get(name)
    served.set(name, {
      name,
      how,
      apiVersion: known?.apiVersion ?? own.apiVersion,
      kind: known?.kind ?? own.kind,
      verbs: known?.verbs ?? own.verbs,
    })
  }
  const self = { apiVersion, kind, verbs: editVerbs }
  if (facts.subresources.has('status')) add('status', 'status', self)
  if (hooks.scale) add('scale', 'scale', { apiVersion: 'autoscaling/v1', kind: 'Scale', verbs: editVerbs })
  for (const name of Object.keys(hooks.views ?? {})) add(name, 'view', self)
  for (const [name, action] of Object.entries(hooks.actions ?? {})) {
    const { group, version, kind: body } = action.kind
    add(name, 'action', { apiVersion: joinApiVersion(group, version), kind: body, verbs: ['create'] })
  }
  for (const name of hooks.connects ?? []) add(name, 'connect', { apiVersion, kind, verbs: ['create', 'get'] })
  return new Map([...served].sort(([a], [b]) => (a < b ? -1 : 1)))
}
