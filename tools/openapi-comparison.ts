/** Our facts beside an official OpenAPI v2 document: what is in one and not, or not the same, in the other. */
import { definition, definitionNames } from '../shared/openapi/document.ts'
import { type KindFacts, kindsOfDefinition, kindsOfVersion, servedVersions } from '../shared/openapi/kinds.ts'
import type { SchemaNode } from '../shared/openapi/schema.ts'
import { METRICS_GROUP } from './openapi-by-hand.ts'

type OfficialSchema = {
  readonly type?: string
  readonly format?: string
  readonly $ref?: string
  readonly items?: OfficialSchema
  readonly additionalProperties?: OfficialSchema
  readonly properties?: Record<string, OfficialSchema>
  readonly required?: readonly string[]
  readonly [extension: `x-kubernetes-${string}`]: unknown
}
type OfficialOperation = { readonly 'x-kubernetes-action'?: string; readonly 'x-kubernetes-group-version-kind'?: unknown }

/** The parts of an OpenAPI v2 document that are compared. */
export type OfficialDocument = {
  readonly definitions: Record<string, OfficialSchema>
  readonly paths: Record<string, Record<string, OfficialOperation>>
}

export type Comparison = { readonly differences: string[]; readonly compared: Record<string, number>; readonly explained: number }

/** Where the official document is known to say something else, and why that is right as it is. */
export const explainedExceptions: ReadonlyMap<string, string> = new Map([])

/** Throws if the text is no OpenAPI v2 document. */
export function parseOfficial(text: string): OfficialDocument {
  const document: unknown = JSON.parse(text)
  if (typeof document !== 'object' || document === null || !('definitions' in document) || !('paths' in document)) {
    throw new Error('not an OpenAPI v2 document: it has no definitions or no paths')
  }
  return document as OfficialDocument
}

export function compareWithOfficial(official: OfficialDocument): Comparison {
  const found: string[] = []
  const compared = { definitions: 0, properties: 0, paths: 0 }
  for (const [name, theirs] of Object.entries(official.definitions)) {
    const ours = definition(name)
    if (!ours) found.push(`${name}: missing`)
    else {
      compared.definitions++
      compared.properties += Object.keys(theirs.properties ?? {}).length
      found.push(...compareDefinition(name, ours, theirs))
    }
  }
  found.push(...comparePaths(official, compared))
  found.push(...unreferenced(official))
  const differences = found.filter((line) => !explainedExceptions.has(line))
  return { differences, compared, explained: found.length - differences.length }
}

function compareDefinition(name: string, ours: SchemaNode, theirs: OfficialSchema): string[] {
  const lines = [
    ...unequal(`${name}: fields`, [...ours.fields.keys()].sort(), Object.keys(theirs.properties ?? {}).sort()),
    ...unequal(`${name}: required`, [...ours.requiredFields].sort(), [...(theirs.required ?? [])].sort()),
    ...unequal(`${name}: type`, ours.type === 'any' ? undefined : ours.type, theirs.type),
    ...unequal(`${name}: format`, ours.format, theirs.format),
    ...unequal(`${name}: map-type`, ours.mapType, theirs['x-kubernetes-map-type']),
    ...unequal(`${name}: kinds`, sorted(kindsOfDefinition(name)), sorted(theirs['x-kubernetes-group-version-kind'] ?? [])),
    ...unequal(`${name}: unions`, unionsOf(ours), theirs['x-kubernetes-unions']),
  ]
  for (const [field, schema] of Object.entries(theirs.properties ?? {})) {
    const node = ours.fields.get(field)
    if (node) lines.push(...compareField(`${name}.${field}`, node, schema))
  }
  return lines
}

function compareField(place: string, ours: SchemaNode, theirs: OfficialSchema): string[] {
  return [
    ...unequal(`${place}: type`, typeOf(ours), officialType(theirs)),
    ...unequal(`${place}: patch-strategy`, ours.patchStrategies.join(',') || undefined, theirs['x-kubernetes-patch-strategy']),
    ...unequal(`${place}: patch-merge-key`, ours.patchMergeKey, theirs['x-kubernetes-patch-merge-key']),
    ...unequal(`${place}: list-type`, ours.listType, theirs['x-kubernetes-list-type']),
    ...unequal(`${place}: list-map-keys`, [...ours.listMapKeys], theirs['x-kubernetes-list-map-keys'] ?? []),
    ...unequal(`${place}: map-type`, ours.ownMapType, theirs['x-kubernetes-map-type']),
  ]
}

function typeOf(node: SchemaNode): string {
  if (node.ref !== undefined) return `#${node.ref}`
  if (node.items) return `[]${typeOf(node.items)}`
  if (node.values) return `{}${typeOf(node.values)}`
  return [node.type, node.format].filter(Boolean).join('/')
}

function officialType(schema: OfficialSchema): string {
  if (schema.$ref !== undefined) return `#${schema.$ref.slice('#/definitions/'.length)}`
  if (schema.items) return `[]${officialType(schema.items)}`
  if (schema.additionalProperties) return `{}${officialType(schema.additionalProperties)}`
  return [schema.type, schema.format].filter(Boolean).join('/')
}

/** The official form names each field of a union by its Go name, which is the JSON name with a capital. */
function unionsOf(node: SchemaNode): unknown {
  if (!node.union) return undefined
  const { discriminator, fields } = node.union
  const names = Object.fromEntries(fields.map((field) => [field, field[0]!.toUpperCase() + field.slice(1)]))
  return [{ ...(discriminator === undefined ? {} : { discriminator }), 'fields-to-discriminateBy': names }]
}

const actionOfVerb: Readonly<Record<string, string>> = { create: 'post', update: 'put' }
const connectKinds = /Options$/

/** Every path with its actions and the kind in its body, ours and theirs. */
function comparePaths(official: OfficialDocument, compared: { paths: number }): string[] {
  const theirs = new Map<string, string>()
  for (const [path, item] of Object.entries(official.paths)) {
    const operations = Object.values(item).filter((operation) => operation['x-kubernetes-action'] !== undefined)
    // `/watch/` paths are the long deprecated form of `?watch=true`: not a fact of their own.
    if (operations.length === 0 || path.includes('/watch/')) continue
    theirs.set(path, describeActions(operations.map((one) => [one['x-kubernetes-action']!, one['x-kubernetes-group-version-kind']])))
  }
  const ours = new Map(officialVersions().flatMap((version) => kindsOfVersion(version).flatMap(pathsOf)))
  compared.paths = theirs.size
  const lines: string[] = []
  for (const [path, actions] of theirs) lines.push(...unequal(path, ours.get(path), actions))
  for (const path of ours.keys()) if (!theirs.has(path)) lines.push(`${path}: not in the official document`)
  return lines
}

function pathsOf(facts: KindFacts): [string, string][] {
  const root = facts.group === '' ? `/api/${facts.version}` : `/apis/${facts.group}/${facts.version}`
  const collection = facts.namespaced ? `${root}/namespaces/{namespace}/${facts.plural}` : `${root}/${facts.plural}`
  const body = { group: facts.group, version: facts.version, kind: facts.kind }
  const onCollection = facts.verbs.filter((verb) => ['create', 'deletecollection', 'list'].includes(verb))
  const onItem = facts.verbs.filter((verb) => ['delete', 'get', 'patch', 'update'].includes(verb))
  const paths: [string, string][] = [[collection, actionsOf(onCollection, body)]]
  if (onItem.length > 0) paths.push([`${collection}/{name}`, actionsOf(onItem, body)])
  if (facts.namespaced && facts.verbs.includes('list')) paths.push([`${root}/${facts.plural}`, actionsOf(['list'], body)])
  for (const each of facts.subresources.values()) {
    const [version, group] = each.apiVersion.split('/').reverse()
    const inner = { group: group ?? '', version, kind: each.kind }
    const path = `${collection}/{name}/${each.name}`
    if (!connectKinds.test(each.kind)) paths.push([path, actionsOf(each.verbs, inner)])
    else {
      const methods = describeActions([['connect', inner]])
      paths.push([path, methods])
      if (each.name === 'proxy') paths.push([`${path}/{path}`, methods])
    }
  }
  return paths
}

function actionsOf(verbs: readonly string[], body: unknown): string {
  return describeActions(verbs.map((verb) => [actionOfVerb[verb] ?? verb, body]))
}

/** A text that is the same for the same actions with the same bodies. */
function describeActions(actions: readonly (readonly [string, unknown])[]): string {
  return [...new Set(actions.map(([action, body]) => `${action} ${sorted([body])}`))].sort().join('; ')
}

/** Ours alone is right only for what no official path mentions: options, callbacks, discovery. */
function unreferenced(official: OfficialDocument): string[] {
  const served = new Set(officialVersions().flatMap((version) => kindsOfVersion(version).map((facts) => facts.definition)))
  return definitionNames()
    .filter((name) => !official.definitions[name] && served.has(name))
    .map((name) => `${name}: served here, not in the official document`)
}

/** Those that upstream's own server has. */
function officialVersions(): string[] {
  return servedVersions().filter((version) => !version.startsWith(`${METRICS_GROUP}/`))
}

function unequal(place: string, ours: unknown, theirs: unknown): string[] {
  return canonical(ours) === canonical(theirs) ? [] : [`${place}: ours ${canonical(ours)}, official ${canonical(theirs)}`]
}

function sorted(values: unknown): string {
  return Array.isArray(values) ? values.map(canonical).sort().join(' ') : canonical(values)
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? 'nothing'
  )
}
