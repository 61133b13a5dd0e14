import { definitionNameOf } from '../../shared/openapi/kinds.ts'
import { patchTypes } from '../patch/apply-patch.ts'
import type { Resource, ServedSubresource } from '../registry/resource-table.ts'
import { type OpenApiSchema, schemaReference } from './openapi-schemas.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const answers = ['application/json', 'application/yaml']
const methodOfVerb: Readonly<Record<string, string>> = {
  ...{ get: 'get', list: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete', deletecollection: 'delete' },
}
/** What the specification calls the verbs. */
const actionOfVerb: Readonly<Record<string, string>> = { create: 'post', update: 'put' }
const idOfVerb: Readonly<Record<string, string>> = { get: 'read', update: 'replace', deletecollection: 'deleteCollection' }

const texts = ['dryRun', 'fieldManager', 'fieldValidation', 'fieldSelector', 'labelSelector', 'continue', 'resourceVersion']
const more = ['resourceVersionMatch', 'propagationPolicy', 'pretty']
const numbers = ['limit', 'timeoutSeconds', 'gracePeriodSeconds']
const parameterTypes: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...texts, ...more].map((name) => [name, 'string'])),
  ...Object.fromEntries(numbers.map((name) => [name, 'integer'])),
  ...Object.fromEntries(
    ['watch', 'allowWatchBookmarks', 'sendInitialEvents', 'orphanDependents', 'force'].map((name) => [name, 'boolean']),
  ),
}
const selection = ['continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'timeoutSeconds']
const deletion = ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy']
const writing = ['dryRun', 'fieldManager', 'fieldValidation']
const parametersOfVerb: Readonly<Record<string, readonly string[]>> = {
  list: [...selection, 'allowWatchBookmarks', 'sendInitialEvents', 'watch'],
  create: writing,
  update: writing,
  patch: writing,
  delete: deletion,
  deletecollection: [...selection, ...deletion],
}

/** One operation to be described. */
interface Operation {
  readonly verb: string
  readonly resource: Resource
  readonly subresource?: ServedSubresource | undefined
  /** Kind of the body or the answer. */
  readonly apiVersion: string
  readonly kind: string
}

export type OpenApiPaths = Record<string, Record<string, unknown>>

/** The paths of one group version, sorted, and the definitions their operations speak of. */
export function resourcePaths(resources: readonly Resource[]): { paths: OpenApiPaths; definitions: Set<string> } {
  const paths: OpenApiPaths = {}
  const definitions = new Set<string>()
  for (const resource of resources) {
    const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.apiVersion}`
    const collection = resource.namespaced ? `${root}/namespaces/{namespace}/${resource.plural}` : `${root}/${resource.plural}`
    const own = { resource, apiVersion: resource.apiVersion, kind: resource.kind }
    const has = (verbs: readonly string[]) => verbs.filter((verb) => resource.verbs.has(verb)).map((verb) => ({ ...own, verb }))
    addPath(paths, definitions, collection, has(['list', 'create', 'deletecollection']))
    addPath(paths, definitions, `${collection}/{name}`, has(['get', 'update', 'patch', 'delete']))
    if (resource.namespaced) addPath(paths, definitions, `${root}/${resource.plural}`, has(['list']))
    for (const subresource of resource.subresources.values()) {
      const { apiVersion, kind, verbs } = subresource
      const operations = verbs.map((verb) => ({ verb, resource, subresource, apiVersion, kind }))
      addPath(paths, definitions, `${collection}/{name}/${subresource.name}`, operations)
    }
  }
  const sorted = Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))
  return { paths: Object.fromEntries(sorted), definitions }
}

function addPath(paths: OpenApiPaths, definitions: Set<string>, path: string, operations: readonly Operation[]): void {
  if (operations.length === 0) return
  const item: Record<string, unknown> = {}
  for (const operation of operations) {
    const method = methodOfVerb[operation.verb]
    if (method !== undefined) item[method] = describe(operation, path, definitions)
  }
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    ...{ name: match[1], in: 'path', required: true, schema: { type: 'string', uniqueItems: true } },
  }))
  item['parameters'] = [...inPath, parameter('pretty')]
  paths[path] = item
}

function describe(operation: Operation, path: string, definitions: Set<string>): OpenApiSchema {
  const { verb, resource, subresource, apiVersion, kind } = operation
  const isConnect = subresource?.how === 'connect' && subresource.name !== 'log'
  const action = isConnect ? 'connect' : (actionOfVerb[verb] ?? verb)
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  return {
    description: `${action} ${kind}`,
    operationId: operationId(operation, path),
    parameters: (isConnect ? [] : (parametersOfVerb[verb] ?? [])).map(parameter),
    ...requestBody(operation, isConnect, definitions),
    responses: responses(operation, isConnect, definitions),
    tags: [tagOf(resource)],
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, kind, version },
  }
}

/** The definition of the body or the answer; undefined where the specification has none. */
function definitionOf({ resource, apiVersion, kind }: Operation): string | undefined {
  const isOwn = resource.custom && apiVersion === resource.apiVersion && kind === resource.kind
  return isOwn ? resource.facts.definition : definitionNameOf(apiVersion, kind)
}

function requestBody(operation: Operation, isConnect: boolean, definitions: Set<string>): OpenApiSchema {
  const named = (name: string) => {
    definitions.add(name)
    return schemaReference(name)
  }
  const { verb } = operation
  const own = definitionOf(operation)
  if (isConnect || own === undefined) return {}
  if (verb === 'create' || verb === 'update') return { requestBody: { required: true, content: { '*/*': { schema: named(own) } } } }
  if (verb === 'patch') {
    const schema = named(`${META}.Patch`)
    return { requestBody: { required: true, content: Object.fromEntries(patchTypes.map((type) => [type, { schema }])) } }
  }
  if (verb !== 'delete' && verb !== 'deletecollection') return {}
  return { requestBody: { content: { '*/*': { schema: named(`${META}.DeleteOptions`) } } } }
}

function responses(operation: Operation, isConnect: boolean, definitions: Set<string>): OpenApiSchema {
  const { verb, resource } = operation
  const unauthorized = { 401: { description: 'Unauthorized' } }
  if (isConnect) return { 200: { description: 'OK', content: { '*/*': { schema: { type: 'string' } } } }, ...unauthorized }
  const name = verb === 'list' ? `${resource.facts.definition}List` : verb.startsWith('delete') ? `${META}.Status` : definitionOf(operation)
  if (name === undefined) return { 200: { description: 'OK' }, ...unauthorized }
  definitions.add(name)
  const types = verb === 'list' ? [...answers, 'application/json;stream=watch'] : answers
  const content = Object.fromEntries(types.map((type) => [type, { schema: schemaReference(name) }]))
  const codes: readonly (readonly [number, string])[] =
    verb === 'create'
      ? [
          [200, 'OK'],
          [201, 'Created'],
          [202, 'Accepted'],
        ]
      : [[200, 'OK']]
  return { ...Object.fromEntries(codes.map(([code, description]) => [code, { description, content }])), ...unauthorized }
}

function parameter(name: string): OpenApiSchema {
  return { name, in: 'query', schema: { type: parameterTypes[name] ?? 'string', uniqueItems: true } }
}

/** `readAppsV1NamespacedDeploymentScale`. */
function operationId({ verb, resource, subresource }: Operation, path: string): string {
  const words = [idOfVerb[verb] ?? verb, capital(groupWord(resource)), capital(resource.version)]
  if (path.includes('{namespace}')) words.push('Namespaced')
  words.push(resource.kind)
  if (resource.namespaced && verb === 'list' && !path.includes('{namespace}')) words.push('ForAllNamespaces')
  if (subresource) words.push(capital(subresource.name))
  return words.join('')
}

function tagOf(resource: Resource): string {
  return `${groupWord(resource)}_${resource.version}`
}

/** `rbac.authorization.k8s.io` → `rbacAuthorization`. */
function groupWord({ group }: Resource): string {
  if (group === '') return 'core'
  const [first = '', ...others] = group.replace(/\.k8s\.io$/, '').split('.')
  return `${first}${others.map(capital).join('')}`
}

function capital(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`
}
