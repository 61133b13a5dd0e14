import { createHash } from 'node:crypto'
import type { RemoteServices } from '../aggregation/remote-services.ts'
import { jsonWebKeySet, openIdConfiguration } from '../authn/issuer-discovery.ts'
import type { ServiceAccountKeys } from '../certificates/service-account-keys.ts'
import { negotiate, plainJson } from '../http/content-type.ts'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { methodNotAllowed, type RequestInfo } from '../http/request-info.ts'
import { sendObject } from '../http/response.ts'
import type { ResourceTable } from '../registry/resource-table.ts'
import { aggregatedDiscovery, coreVersions, groupDocument, groupList, resourceList, servedGroups } from './groups.ts'
import { type HealthCheck, sendHealth } from './health.ts'
import { openApiV2 } from './openapi-v2.ts'
import { openApiV3 } from './openapi-v3.ts'
import { versionInfo } from './version.ts'

export interface PathTools {
  readonly table: Pick<ResourceTable, 'all' | 'version'>
  /** Groups' versions that other servers serve. */
  readonly remotes: Pick<RemoteServices, 'all' | 'revision'>
  /** `host:port`, as clients outside reach it. */
  readonly serverAddress: () => string
  readonly checks: readonly HealthCheck[]
  readonly metrics: () => string
  readonly issuer: string
  readonly serviceAccountKeys: ServiceAccountKeys
  /** Paths of other rooms. */
  readonly further?: Readonly<Record<string, Handler>>
}

type Handler = (request: ApiRequest, info: RequestInfo, reply: Reply) => void | Promise<void>

/** Everything that is no resource: version, health, metrics, discovery. Documents are made on first use and kept while what is served stays the same. */
export function pathHandlers(tools: PathTools): (path: string) => Handler | undefined {
  const { table, remotes } = tools
  const openApi = { v2: openApiV2(), v3: openApiV3() }
  let made: { readonly version: number; readonly revision: number; readonly handlers: ReadonlyMap<string, Handler> } | undefined
  return (path) => {
    const { version } = table
    const { revision } = remotes
    if (made?.version !== version || made.revision !== revision) made = { version, revision, handlers: handlersOf(tools, openApi) }
    return made.handlers.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)
  }
}

interface OpenApiMakers {
  readonly v2: ReturnType<typeof openApiV2>
  readonly v3: ReturnType<typeof openApiV3>
}

function handlersOf(tools: PathTools, openApi: OpenApiMakers): ReadonlyMap<string, Handler> {
  const remotes = tools.remotes.all()
  const names = new Set(remotes.map(({ name }) => name))
  const resources = tools.table.all().filter(({ group, version }) => !names.has(`${version}.${group}`))
  const groups = servedGroups(resources, remotes)
  const named = groups.filter((group) => group.name !== '')
  const core = groups.filter((group) => group.name === '')
  const handlers = new Map<string, Handler>()
  const json = (path: string, make: () => object) => handlers.set(path, document(make, 'plain'))
  const kind = (path: string, make: () => object) => handlers.set(path, document(make, 'kind'))
  json('/version', () => versionInfo)
  handlers.set(
    '/api',
    discovery(
      () => coreVersions(tools.serverAddress()),
      () => aggregatedDiscovery(core),
    ),
  )
  handlers.set(
    '/apis',
    discovery(
      () => groupList(groups),
      () => aggregatedDiscovery(named),
    ),
  )
  for (const group of groups) {
    if (group.name !== '') kind(`/apis/${group.name}`, () => groupDocument(group))
    for (const { version, resources, remote } of group.versions) {
      if (remote) continue
      const path = group.name === '' ? `/api/${version}` : `/apis/${group.name}/${version}`
      kind(path, () => resourceList(group.name === '' ? version : `${group.name}/${version}`, resources))
    }
  }
  for (const path of ['/healthz', '/livez', '/readyz']) {
    handlers.set(path, (_, info, reply) => sendHealth(path, tools.checks, info, reply))
    for (const check of tools.checks) {
      handlers.set(`${path}/${check.name}`, (_, info, reply) => sendHealth(path, [check], info, reply))
    }
  }
  handlers.set('/openapi/v2', openApi.v2(resources))
  for (const [path, handler] of openApi.v3(resources, remotes)) handlers.set(path, handler)
  handlers.set('/metrics', (_, __, reply) => reply.send(200, 'text/plain; version=0.0.4; charset=utf-8', tools.metrics()))
  json('/.well-known/openid-configuration', () =>
    openIdConfiguration(tools.issuer, `https://${tools.serverAddress()}`, tools.serviceAccountKeys),
  )
  json('/openid/v1/jwks', () => jsonWebKeySet(tools.serviceAccountKeys))
  for (const [path, handler] of Object.entries(tools.further ?? {})) handlers.set(path, handler)
  json('/', () => ({ paths: [...handlers.keys()].filter((path) => path !== '/').sort() }))
  return handlers
}

function onlyGet(method: string): void {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
}

/** One document; what is a kind of the API has a protobuf form, what is not is JSON for everybody. */
function document(make: () => object, what: 'kind' | 'plain'): Handler {
  let made: Buffer | undefined
  return (request, info, reply) => {
    onlyGet(request.method)
    made ??= Buffer.from(JSON.stringify(make()))
    const representation = negotiateFor(request, info, false)
    const isForeign = representation.format === 'protobuf' && what === 'plain'
    return sendObject(reply, 200, made, isForeign ? plainJson : representation)
  }
}

/** Two documents under one path: the Accept header says which. The aggregated one has an ETag, for clients' caches. */
function discovery(plain: () => object, aggregated: () => object): Handler {
  const sendPlain = document(plain, 'kind')
  let made: { bytes: Buffer; tag: string } | undefined
  return (request, info, reply) => {
    onlyGet(request.method)
    const representation = negotiateFor(request, info, true)
    if (!representation.discovery) return sendPlain(request, info, reply)
    if (!made) {
      const bytes = Buffer.from(JSON.stringify(aggregated()))
      made = { bytes, tag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"` }
    }
    const headers = { etag: made.tag, vary: 'Accept', 'cache-control': 'public' }
    if (request.headers['if-none-match'] === made.tag) return reply.send(304, representation.contentType, '', headers)
    reply.send(200, representation.contentType, made.bytes, headers)
  }
}

function negotiateFor(request: ApiRequest, info: RequestInfo, forDiscovery: boolean) {
  const { accept, 'user-agent': userAgent } = request.headers
  if (accept === undefined && userAgent === undefined) return plainJson
  const text = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(', ') : value)
  return negotiate(
    { accept: text(accept), userAgent: text(userAgent), pretty: info.query.get('pretty'), includeObject: null },
    forDiscovery,
  )
}
