/**
 * Which kinds upstream serves under which path: plural, scope, verbs and subresources, from the client markers in the Go sources.
 * What the markers leave out (connect subresources, a few odd verbs) is the short table below.
 */
import type { GoType } from './go-parser.ts'
import type { GoUniverse } from './openapi-facts.ts'
import type { GoPackage } from './openapi-source.ts'

export type SubresourceFacts = {
  readonly name: string
  readonly apiVersion: string
  readonly kind: string
  readonly verbs: readonly string[]
}

export type ResourceFacts = {
  readonly package: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly subresources: readonly SubresourceFacts[]
}

export const allVerbs: readonly string[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const editVerbs = ['get', 'patch', 'update']
const proxyVerbs = ['create', 'delete', 'get', 'patch', 'update']
const streamVerbs = ['create', 'get']

/** The API server's own wiring, not visible in the types. */
const verbsByHand: Record<string, readonly string[]> = {
  'v1/Binding': ['create'],
  'v1/ComponentStatus': ['get', 'list'],
  'v1/Service': allVerbs,
}

const subresourcesByHand: Record<string, readonly SubresourceFacts[]> = {
  'v1/Namespace': [{ name: 'finalize', apiVersion: 'v1', kind: 'Namespace', verbs: ['update'] }],
  'v1/Node': [{ name: 'proxy', apiVersion: 'v1', kind: 'NodeProxyOptions', verbs: proxyVerbs }],
  'v1/Pod': [
    { name: 'attach', apiVersion: 'v1', kind: 'PodAttachOptions', verbs: streamVerbs },
    { name: 'binding', apiVersion: 'v1', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', apiVersion: 'policy/v1', kind: 'Eviction', verbs: ['create'] },
    { name: 'exec', apiVersion: 'v1', kind: 'PodExecOptions', verbs: streamVerbs },
    { name: 'log', apiVersion: 'v1', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', apiVersion: 'v1', kind: 'PodPortForwardOptions', verbs: streamVerbs },
    { name: 'proxy', apiVersion: 'v1', kind: 'PodProxyOptions', verbs: proxyVerbs },
  ],
  'v1/Service': [{ name: 'proxy', apiVersion: 'v1', kind: 'ServiceProxyOptions', verbs: proxyVerbs }],
}

/** Groups whose kinds travel in calls the API server makes, never in calls it answers. */
const callbackGroups = new Set(['admission.k8s.io', 'imagepolicy.k8s.io'])

/** Every resource this release serves from one Go package, by plural. */
export function resourcesOf(universe: GoUniverse, at: GoPackage, minor: number): ResourceFacts[] {
  if (at.group === undefined || callbackGroups.has(at.group)) return []
  const served = [...at.types.values()].filter((type) => {
    const handMade = verbsByHand[`${apiVersionOf(at)}/${type.name}`] !== undefined
    const hasClient = type.markers.includes('genclient') && !type.markers.includes('genclient:noVerbs')
    return (hasClient || handMade) && at.registered.has(type.name) && !universe.isRemoved(at, type.name, minor)
  })
  return served.map((type) => resource(at, type)).sort((a, b) => (a.plural < b.plural ? -1 : 1))
}

/** `v1` for the core group, `group/version` otherwise. */
export function apiVersionOf(at: GoPackage): string {
  const version = at.path.slice(at.path.lastIndexOf('/') + 1)
  return at.group ? `${at.group}/${version}` : version
}

/** Lower-case English plural, as upstream's own rule makes it. */
export function pluralOf(kind: string): string {
  const singular = kind.toLowerCase()
  if (singular === 'endpoints') return singular
  if (/(s|x|ch|sh)$/.test(singular)) return `${singular}es`
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`
  return `${singular}s`
}

function resource(at: GoPackage, type: GoType): ResourceFacts {
  const apiVersion = apiVersionOf(at)
  const key = `${apiVersion}/${type.name}`
  const verbs = verbsByHand[key] ?? markedVerbs(type)
  const subresources = [...(subresourcesByHand[key] ?? []), ...markedSubresources(apiVersion, type)]
  const hasStatus = type.fields?.some((field) => field.tags.get('json')?.split(',')[0] === 'status') ?? false
  if (hasStatus && verbs.includes('update')) subresources.push({ name: 'status', apiVersion, kind: type.name, verbs: editVerbs })
  return {
    package: at.path,
    kind: type.name,
    plural: type.markers.find((marker) => marker.startsWith('resourceName='))?.slice('resourceName='.length) ?? pluralOf(type.name),
    namespaced: !type.markers.includes('genclient:nonNamespaced'),
    verbs,
    subresources: subresources.sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

function markedVerbs(type: GoType): string[] {
  const listed = (name: string) =>
    type.markers
      .filter((marker) => marker.startsWith(`genclient:${name}=`))
      .flatMap((marker) => marker.slice(marker.indexOf('=') + 1).split(','))
      .map((verb) => verb.toLowerCase())
  const only = listed('onlyVerbs')
  const skipped = listed('skipVerbs')
  return allVerbs.filter((verb) => (only.length === 0 || only.includes(verb)) && !skipped.includes(verb))
}

/** `+genclient:method=UpdateX,verb=update,subresource=x,input=…`: one subresource may be named by several methods. */
function markedSubresources(apiVersion: string, type: GoType): SubresourceFacts[] {
  const found = new Map<string, SubresourceFacts>()
  for (const marker of type.markers) {
    if (!marker.startsWith('genclient:method=')) continue
    const settings = new Map(marker.split(',').map((part) => part.split('=') as [string, string]))
    const name = settings.get('subresource')
    if (name === undefined) continue
    const body = settings.get('input') ?? settings.get('result')
    const isCreate = settings.get('verb') === 'create'
    const previous = found.get(name)
    const target = body === undefined ? undefined : bodyKind(body)
    found.set(name, {
      name,
      apiVersion: target?.apiVersion ?? previous?.apiVersion ?? apiVersion,
      kind: target?.kind ?? previous?.kind ?? type.name,
      verbs: isCreate ? ['create'] : editVerbs,
    })
  }
  return [...found.values()]
}

const bodyGroups: Record<string, string> = {
  authentication: 'authentication.k8s.io',
  autoscaling: 'autoscaling',
  certificates: 'certificates.k8s.io',
}

/** `k8s.io/api/autoscaling/v1.Scale` → apiVersion and kind. */
function bodyKind(path: string): { apiVersion: string; kind: string } {
  const match = /^k8s\.io\/api\/(\w+)\/(\w+)\.(\w+)$/.exec(path)
  const group = match && bodyGroups[match[1]!]
  if (!match || group === undefined) throw new Error(`the subresource body ${path} is of a group unknown here`)
  return { apiVersion: `${group}/${match[2]}`, kind: match[3]! }
}
