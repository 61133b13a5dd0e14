/** Which kind is served where: apiVersion and kind ⇄ plural name, scope, verbs, subresources, definition. */
import { definition, factsDocument } from './document.ts'
import type { SchemaNode } from './schema.ts'

export interface GroupVersionKind {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
}

export interface Subresource {
  readonly name: string
  /** What travels in the body (or, for connect subresources, the query): not always the parent's own kind. */
  readonly apiVersion: string
  readonly kind: string
  readonly verbs: readonly string[]
}

/** One resource that the release serves. What we serve of it is decided elsewhere. */
export interface KindFacts extends GroupVersionKind {
  /** `v1` or `group/version`. */
  readonly apiVersion: string
  /** Lower-case plural: the word in the URL. */
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  /** Sorted, as discovery shows them. */
  readonly verbs: readonly string[]
  readonly subresources: ReadonlyMap<string, Subresource>
  /** Official definition name. */
  readonly definition: string
}

interface KindIndex {
  readonly byVersion: ReadonlyMap<string, readonly KindFacts[]>
  readonly byKind: ReadonlyMap<string, KindFacts>
  readonly byPlural: ReadonlyMap<string, KindFacts>
  /** `apiVersion/Kind` → definition, for everything registered: lists, options, Status. */
  readonly definitions: ReadonlyMap<string, string>
  readonly kindsOf: ReadonlyMap<string, readonly GroupVersionKind[]>
}

let index: KindIndex | undefined

/** The resource of an apiVersion and kind, or undefined if the release serves none (a list or an options kind has none). */
export function kindFacts(apiVersion: string, kind: string): KindFacts | undefined {
  return kindIndex().byKind.get(`${apiVersion}/${kind}`)
}

/** The resource of an apiVersion and plural name, as in a URL. */
export function kindOfPlural(apiVersion: string, plural: string): KindFacts | undefined {
  return kindIndex().byPlural.get(`${apiVersion}/${plural}`)
}

/** All resources of an apiVersion, sorted by plural; empty for one the release does not serve. */
export function kindsOfVersion(apiVersion: string): readonly KindFacts[] {
  return kindIndex().byVersion.get(apiVersion) ?? []
}

/** Every apiVersion with resources, core first, then by name. */
export function servedVersions(): string[] {
  return [...kindIndex().byVersion.keys()]
}

/** The definition name of any registered kind: also lists, options, `Status`. */
export function definitionNameOf(apiVersion: string, kind: string): string | undefined {
  return kindIndex().definitions.get(`${apiVersion}/${kind}`)
}

/** The schema of any registered kind. */
export function schemaOf(apiVersion: string, kind: string): SchemaNode | undefined {
  const name = definitionNameOf(apiVersion, kind)
  return name === undefined ? undefined : definition(name)
}

/** The kinds a definition stands for, as `x-kubernetes-group-version-kind` lists them; empty for inner definitions. */
export function kindsOfDefinition(name: string): readonly GroupVersionKind[] {
  return kindIndex().kindsOf.get(name) ?? []
}

/** Splits `apps/v1` into group and version; `v1` has the empty group. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}

/** The reverse of `splitApiVersion`. */
export function joinApiVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`
}

const allVerbs: readonly string[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
/** They belong to every API version, because every resource can be deleted and watched. */
const kindsOfEveryVersion = new Set(['DeleteOptions', 'WatchEvent'])

function kindIndex(): KindIndex {
  index ??= buildIndex()
  return index
}

function buildIndex(): KindIndex {
  const document = factsDocument()
  const byVersion = new Map<string, KindFacts[]>()
  const byKind = new Map<string, KindFacts>()
  const byPlural = new Map<string, KindFacts>()
  const definitions = new Map<string, string>()
  const kindsOf = new Map<string, GroupVersionKind[]>()
  for (const each of document.packages) {
    if (each.apiVersion === undefined) continue
    for (const line of each.resources) {
      const facts = decodeResource(line, each.apiVersion, each.name)
      byVersion.set(facts.apiVersion, [...(byVersion.get(facts.apiVersion) ?? []), facts])
      byKind.set(`${facts.apiVersion}/${facts.kind}`, facts)
      byPlural.set(`${facts.apiVersion}/${facts.plural}`, facts)
    }
    for (const [kind, lines] of Object.entries(each.definitions)) {
      const mark = /^kind(?:=(\S+))?(?: |$)/.exec(lines[0]!)
      if (!mark) continue
      const name = `${each.name}.${kind}`
      const versions = kindsOfEveryVersion.has(kind) ? document.everyVersion : [mark[1] ?? each.apiVersion]
      for (const version of versions) definitions.set(`${version}/${kind}`, name)
      kindsOf.set(
        name,
        versions.map((version) => ({ ...splitApiVersion(version), kind })),
      )
    }
  }
  const sorted = [...byVersion].sort(([a], [b]) => Number(a.includes('/')) - Number(b.includes('/')) || (a < b ? -1 : 1))
  return { byVersion: new Map(sorted), byKind, byPlural, definitions, kindsOf }
}

/** `plural Kind scope verbs subresource=apiVersion/Kind:verbs…`; `*` stands for all verbs. */
function decodeResource(line: string, apiVersion: string, packageName: string): KindFacts {
  const [plural, kind, scope, verbs, ...subresources] = line.split(' ')
  return {
    ...splitApiVersion(apiVersion),
    apiVersion,
    kind: kind!,
    plural: plural!,
    singular: kind!.toLowerCase(),
    namespaced: scope === 'namespaced',
    verbs: verbs === '*' ? allVerbs : verbs!.split(','),
    subresources: new Map(subresources.map((text) => decodeSubresource(text)).map((each) => [each.name, each])),
    definition: `${packageName}.${kind}`,
  }
}

function decodeSubresource(text: string): Subresource {
  const match = /^([^=]+)=(.+)\/([^/:]+):(.*)$/.exec(text)
  if (!match) throw new Error(`the schema table has an unreadable subresource ${JSON.stringify(text)}`)
  return { name: match[1]!, apiVersion: match[2]!, kind: match[3]!, verbs: match[4]!.split(',') }
}
