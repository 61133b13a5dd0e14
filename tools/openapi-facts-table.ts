/**
 * Puts the facts of all packages together, keeps what this release serves or what that refers to, and writes them as the compact table
 * that `shared/openapi/document.ts` reads. The notation is described there and in docs/openapi.md.
 */
import { METRICS_GROUP } from './openapi-by-hand.ts'
import { type DefinitionFacts, definitionName, FactReader, type FactType, type FieldFacts, GoUniverse } from './openapi-facts.ts'
import { allVerbs, apiVersionOf, type ResourceFacts, resourcesOf } from './openapi-resources.ts'
import type { GoPackage } from './openapi-source.ts'

/** The Kubernetes release whose API this is. */
export const releaseMinor = 36

export type PackageFacts = {
  /** Definition name prefix, e.g. `io.k8s.api.core.v1`. */
  readonly name: string
  /** Undefined for packages that are not an API version (intstr, runtime, …). */
  readonly apiVersion: string | undefined
  readonly resources: readonly ResourceFacts[]
  /** By name. */
  readonly definitions: readonly DefinitionFacts[]
}

export type Facts = { readonly packages: readonly PackageFacts[]; readonly everyVersion: readonly string[] }

const meta = 'k8s.io/apimachinery/pkg/apis/meta/v1'
/** Kinds of the meta package that are answered or accepted as `v1`. */
const metaKinds = new Set([
  ...['APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions', 'DeleteOptions', 'Status', 'WatchEvent'],
  ...['CreateOptions', 'GetOptions', 'ListOptions', 'PatchOptions', 'UpdateOptions'],
  'List',
])
/** Kinds of the meta package that only content negotiation asks for, with a group of their own. */
const negotiatedKinds = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])
/**
 * Group versions that upstream's scheme knows and these packages lack. DeleteOptions and WatchEvent belong to every version there is,
 * but for the discovery documents and metrics, which are not objects of a store.
 */
const otherVersions = ['apiextensions.k8s.io/v1beta1', 'apiregistration.k8s.io/v1beta1']
const roots = ['io.k8s.apimachinery.pkg.version.Info', 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch']

export function collectFacts(source: readonly GoPackage[]): Facts {
  const universe = new GoUniverse(source)
  const reader = new FactReader(universe)
  const resources = new Map(source.map((at) => [at.path, resourcesOf(universe, at, releaseMinor)]))
  const kept = new Map<string, DefinitionFacts>()
  const keep = (name: string) => {
    if (kept.has(name)) return
    const [at, type] = find(source, name)
    const facts = reader.definition(at, type)
    if (!facts) throw new Error(`${name} is no definition`)
    kept.set(name, { ...facts, ...kindOf(universe, at, type.name) })
    for (const field of facts.fields) for (const target of targets(field.type)) keep(target)
  }
  for (const at of source) {
    for (const name of at.registered) if (at.path !== meta && isLiveKind(universe, at, name)) keep(definitionName(at.path, name))
  }
  for (const name of [...metaKinds, ...negotiatedKinds]) keep(definitionName(meta, name))
  for (const name of roots) keep(name)
  const packages = source.map((at) => ({
    name: definitionName(at.path, '').slice(0, -1),
    apiVersion: at.path === meta ? 'v1' : at.group === undefined ? undefined : apiVersionOf(at),
    resources: resources.get(at.path)!,
    definitions: [...kept.values()].filter((each) => each.package === at.path).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }))
  const apart = new Set<string | undefined>([undefined, 'apidiscovery.k8s.io', METRICS_GROUP])
  const versions = source.filter((at) => !apart.has(at.group) && at.path !== meta).map(apiVersionOf)
  return { packages: packages.filter((each) => each.definitions.length > 0), everyVersion: [...versions, ...otherVersions].sort() }
}

function kindOf(universe: GoUniverse, at: GoPackage, name: string): { isKind: boolean; apiVersion?: string } {
  if (at.path !== meta) return { isKind: isLiveKind(universe, at, name) }
  return negotiatedKinds.has(name) ? { isKind: true, apiVersion: 'meta.k8s.io/v1' } : { isKind: metaKinds.has(name) }
}

/** Registered with the scheme and not removed in or before this release. */
function isLiveKind(universe: GoUniverse, at: GoPackage, name: string): boolean {
  return at.registered.has(name) && at.types.has(name) && !universe.isRemoved(at, name, releaseMinor)
}

function find(source: readonly GoPackage[], name: string) {
  for (const at of source) {
    const prefix = definitionName(at.path, '')
    const type = name.startsWith(prefix) ? at.types.get(name.slice(prefix.length)) : undefined
    if (type) return [at, type] as const
  }
  throw new Error(`${name} is not among the sources`)
}

function targets(type: FactType): string[] {
  if (type.kind === 'ref') return [type.definition]
  return type.kind === 'scalar' ? [] : targets(type.of)
}

/** The committed document, one field per line. */
export function encodeFacts(facts: Facts): string {
  const document = {
    release: `1.${releaseMinor}`,
    everyVersion: facts.everyVersion,
    packages: facts.packages.map((each) => ({
      name: each.name,
      ...(each.apiVersion === undefined ? {} : { apiVersion: each.apiVersion }),
      resources: each.resources.map(encodeResource),
      definitions: Object.fromEntries(each.definitions.map((definition) => [shortName(definition.name), encodeDefinition(definition)])),
    })),
  }
  return `${JSON.stringify(document, undefined, 1).replaceAll(/^ +/gm, '')}\n`
}

/** Field numbers for protobuf: `{ definition: "name=1 other=2.19 list=4[]" }`, definitions without any left out. */
export function encodeWire(facts: Facts): string {
  const lines = facts.packages.flatMap((each) =>
    each.definitions.map((definition) => {
      const numbers = definition.fields.filter((field) => field.wire !== undefined).map((field) => `${field.name}=${field.wire}`)
      return numbers.length === 0 ? undefined : `${JSON.stringify(definition.name)}: ${JSON.stringify(numbers.join(' '))}`
    }),
  )
  return `{\n${lines.filter((line) => line !== undefined).join(',\n')}\n}\n`
}

export function shortName(definition: string): string {
  return definition.slice(definition.lastIndexOf('.') + 1)
}

function encodeDefinition(facts: DefinitionFacts): string[] {
  const flags = [
    facts.isKind && (facts.apiVersion ? `kind=${facts.apiVersion}` : 'kind'),
    facts.open && 'open',
    facts.type !== 'object' && `type=${facts.type || 'any'}`,
    facts.format && `format=${facts.format}`,
    facts.mapType && `mt=${facts.mapType}`,
    facts.union && (facts.union.discriminator ? `union=${facts.union.discriminator}` : 'union'),
  ]
  return [flags.filter(Boolean).join(' '), ...facts.fields.map((field) => encodeField(facts, field))]
}

function encodeField(owner: DefinitionFacts, field: FieldFacts): string {
  const flags = `${field.required ? '!' : ''}${field.alwaysEmitted ? '+' : ''}${field.pointer ? '*' : ''}`
  const words = [
    field.name,
    encodeType(owner, field.type),
    flags,
    field.patchStrategy && `ps=${field.patchStrategy}`,
    field.patchMergeKey && `pk=${field.patchMergeKey}`,
    field.listType && `lt=${field.listType}`,
    field.listMapKeys && `lk=${field.listMapKeys.join(',')}`,
    field.mapType && `mt=${field.mapType}`,
    field.enum && `enum=${encodeEnum(field.enum)}`,
    field.default && `default=${field.default}`,
  ]
  if (field.default?.includes(' '))
    throw new Error(`the default of ${owner.name}.${field.name} has a space, which the notation cannot carry`)
  return words.filter(Boolean).join(' ')
}

/** Spaces inside a value are written `~`, because words are parted by spaces. */
function encodeEnum(values: readonly string[]): string {
  for (const value of values) if (/[~|]/.test(value)) throw new Error(`the notation cannot carry the enum value ${value}`)
  return values.map((value) => value.replaceAll(' ', '~')).join('|')
}

function encodeType(owner: DefinitionFacts, type: FactType): string {
  if (type.kind === 'scalar') return type.name
  if (type.kind === 'array') return `[]${encodeType(owner, type.of)}`
  if (type.kind === 'map') return `{}${encodeType(owner, type.of)}`
  const prefix = owner.name.slice(0, owner.name.lastIndexOf('.') + 1)
  return type.definition.startsWith(prefix) ? type.definition.slice(prefix.length) : type.definition
}

function encodeResource(resource: ResourceFacts): string {
  const verbs = resource.verbs.length === allVerbs.length ? '*' : resource.verbs.join(',')
  const subresources = resource.subresources.map((each) => `${each.name}=${each.apiVersion}/${each.kind}:${each.verbs.join(',')}`)
  return [resource.plural, resource.kind, resource.namespaced ? 'namespaced' : 'cluster', verbs, ...subresources].join(' ')
}
