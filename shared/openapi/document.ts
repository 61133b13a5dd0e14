/**
 * The definitions of the Kubernetes API by their official names. They are kept as a compact generated table, read on first use;
 * each definition is decoded when it is first asked for.
 *
 * The notation, one string a field: `name type flags key=value…`. Types: scalars by name, `[]` and `{}` before the type of items and
 * values, anything else a definition (of the same package unless it has dots). Flags: `!` required, `+` always emitted, `*` pointer.
 * Keys: ps/pk patch strategy and merge key, lt/lk list type and map keys, mt map type, enum (a space is written `~`), default. The first string of a
 * definition speaks of itself. See docs/openapi.md.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ListType, type NodeFacts, type Scalar, SchemaNode } from './schema.ts'

/** One API version (or helper package) of the table, as stored. */
export interface DocumentPackage {
  /** What definition names begin with, e.g. `io.k8s.api.core.v1`. */
  readonly name: string
  /** `v1`, `apps/v1`, …; undefined where the package is no API version. */
  readonly apiVersion?: string | undefined
  /** Served resources, encoded; `kinds.ts` reads them. */
  readonly resources: readonly string[]
  readonly definitions: Readonly<Record<string, readonly string[]>>
}

/** The table as stored. */
export interface FactsDocument {
  /** The Kubernetes release, e.g. `1.36`. */
  readonly release: string
  /** The API versions to which `DeleteOptions` and `WatchEvent` belong. */
  readonly everyVersion: readonly string[]
  readonly packages: readonly DocumentPackage[]
}

let loaded: FactsDocument | undefined
let packages: ReadonlyMap<string, DocumentPackage> | undefined
const decoded = new Map<string, SchemaNode>()

/** The whole table, read from disk on the first call. */
export function factsDocument(): FactsDocument {
  loaded ??= JSON.parse(readFileSync(join(import.meta.dirname, 'generated', 'document.json'), 'utf8')) as FactsDocument
  return loaded
}

/**
 * The definition with this official name (`io.k8s.api.core.v1.Pod`), or undefined if there is none.
 * The same node is returned every time.
 */
export function definition(name: string): SchemaNode | undefined {
  const known = decoded.get(name)
  if (known) return known
  packages ??= new Map(factsDocument().packages.map((each) => [each.name, each]))
  const dot = name.lastIndexOf('.')
  const lines = packages.get(name.slice(0, dot))?.definitions
  const short = name.slice(dot + 1)
  if (!lines || !Object.hasOwn(lines, short)) return undefined
  const node = decodeDefinition(name, lines[short]!, resolve)
  decoded.set(name, node)
  return node
}

/** Full names of all definitions. */
export function definitionNames(): string[] {
  return factsDocument().packages.flatMap((each) => Object.keys(each.definitions).map((name) => `${each.name}.${name}`))
}

function resolve(name: string): SchemaNode {
  const node = definition(name)
  if (!node) throw new Error(`the schema table refers to ${name}, which it does not have`)
  return node
}

/** How a definition finds another one by full name. */
export type Resolver = (name: string) => SchemaNode

/** Decodes one definition of the table. Throws on a notation it does not know. */
export function decodeDefinition(name: string, lines: readonly string[], resolver: Resolver): SchemaNode {
  const own = settingsOf(lines[0]!.split(' '))
  const prefix = name.slice(0, name.lastIndexOf('.') + 1)
  const fields = new Map(lines.slice(1).map((line) => decodeField(line, prefix, resolver)))
  const discriminator = own.get('union')
  return new SchemaNode({
    type: typeNames[own.get('type') ?? 'object'] ?? fail(`type ${own.get('type')}`),
    format: own.get('format'),
    scalar: scalars[name],
    open: own.has('open'),
    mapType: mapTypeOf(own.get('mt')),
    union: discriminator === undefined ? undefined : unionOf(discriminator, fields),
    fields,
  })
}

const typeNames: Readonly<Record<string, NodeFacts['type']>> = { object: 'object', string: 'string', any: 'any' }

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const scalars: Readonly<Record<string, Scalar>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  [`${metaPackage}.Time`]: 'time',
  [`${metaPackage}.MicroTime`]: 'micro-time',
  [`${metaPackage}.Duration`]: 'duration',
}

const inlineTypes: Readonly<Record<string, NodeFacts>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'any', open: true },
}

/** `name type [flags] [key=value…]`. */
function decodeField(line: string, prefix: string, resolver: Resolver): [string, SchemaNode] {
  const [name, type, ...rest] = line.split(' ')
  const flags = rest[0] !== undefined && /^[!+*]+$/.test(rest[0]) ? rest.shift()! : ''
  const settings = settingsOf(rest)
  const fallback = settings.get('default')
  const facts: Omit<NodeFacts, 'type'> = {
    required: flags.includes('!'),
    alwaysEmitted: flags.includes('+'),
    pointer: flags.includes('*'),
    patchStrategies: settings.get('ps')?.split(','),
    patchMergeKey: settings.get('pk'),
    listType: listTypeOf(settings.get('lt')),
    listMapKeys: settings.get('lk')?.split(','),
    mapType: mapTypeOf(settings.get('mt')),
    enum: settings
      .get('enum')
      ?.split('|')
      .map((value) => value.replaceAll('~', ' ')),
    default: fallback === undefined ? undefined : JSON.parse(fallback),
  }
  return [name!, decodeType(type!, prefix, resolver, facts)]
}

function decodeType(text: string, prefix: string, resolver: Resolver, facts: Omit<NodeFacts, 'type'>): SchemaNode {
  if (text.startsWith('[]')) return new SchemaNode({ ...facts, type: 'array', items: decodeType(text.slice(2), prefix, resolver, {}) })
  if (text.startsWith('{}')) return new SchemaNode({ ...facts, type: 'map', values: decodeType(text.slice(2), prefix, resolver, {}) })
  const inline = inlineTypes[text]
  if (inline) return new SchemaNode({ ...facts, ...inline })
  const ref = text.includes('.') ? text : prefix + text
  return new SchemaNode({ ...facts, type: 'object' }, ref, () => resolver(ref))
}

function settingsOf(words: readonly string[]): Map<string, string> {
  return new Map(
    words.map((word) => {
      const at = word.indexOf('=')
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
    }),
  )
}

function unionOf(discriminator: string, fields: ReadonlyMap<string, SchemaNode>) {
  return {
    discriminator: discriminator || undefined,
    fields: [...fields].filter(([name, field]) => name !== discriminator && !field.isRequired).map(([name]) => name),
  }
}

function listTypeOf(text: string | undefined): ListType | undefined {
  if (text === undefined || text === 'atomic' || text === 'set' || text === 'map') return text
  return fail(`list type ${text}`)
}

function mapTypeOf(text: string | undefined): 'atomic' | 'granular' | undefined {
  if (text === undefined || text === 'atomic' || text === 'granular') return text
  return fail(`map type ${text}`)
}

function fail(what: string): never {
  throw new Error(`the schema table has an unknown ${what}`)
}
