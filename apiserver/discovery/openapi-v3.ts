import { createHash } from 'node:crypto'
import { factsDocument } from '../../shared/openapi/document.ts'
import type { RemoteService } from '../aggregation/remote-services.ts'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { methodNotAllowed, type RequestInfo } from '../http/request-info.ts'
import type { Resource } from '../registry/resource-table.ts'
import { customSchemas } from './openapi-custom.ts'
import { resourcePaths } from './openapi-paths.ts'
import { componentSchemas } from './openapi-schemas.ts'

/** Changes with the way documents are written, so that clients do not keep old ones. */
const FORMAT = 1
/** A document under its own hash never changes: clients may keep it for a year. */
const FOR_EVER = 365 * 24 * 3600

type Handler = (request: ApiRequest, info: RequestInfo, reply: Reply) => void

interface Version {
  readonly hash: string
  readonly resources: readonly Resource[]
  bytes: Buffer | undefined
}

/**
 * `/openapi/v3` (an index of documents, each with its hash) and one document a group version. Documents are made when first asked for;
 * the hashes come from what they are made of. Asked again when other resources are served: documents that stay as they are are kept.
 */
export function openApiV3(): (resources: readonly Resource[], remotes?: readonly RemoteService[]) => ReadonlyMap<string, Handler> {
  let known = new Map<string, Version>()
  return (resources, remotes = []) => {
    const versions = new Map<string, Version>()
    for (const [path, group] of byPath(resources)) {
      const before = known.get(path)
      const isSame = before?.resources.length === group.length && group.every((each, index) => each === before.resources[index])
      versions.set(path, isSame ? before : { hash: hashOf(group), resources: group, bytes: undefined })
    }
    known = versions
    return handlersOf(versions, remotes)
  }
}

function handlersOf(versions: ReadonlyMap<string, Version>, remotes: readonly RemoteService[]): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (const [path, version] of versions)
    handlers.set(`/openapi/v3/${path}`, (request, info, reply) => sendVersion(path, version, { request, info, reply }))
  handlers.set('/openapi/v3', (request, _info, reply) => {
    refuseWrites(request)
    send(reply, request, Buffer.from(JSON.stringify(indexOf(versions, remotes))), 'no-cache, private')
  })
  return handlers
}

/** One document, for tests and for those who need no HTTP. */
export function openApiDocument(resources: readonly Resource[]): object {
  const { paths, definitions } = resourcePaths(resources)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: `v${factsDocument().release}.0` },
    paths,
    components: {
      schemas: {
        ...componentSchemas([...definitions, ...resources.map((resource) => resource.facts.definition), ...metadataOf(resources)]),
        ...customSchemas(resources, 'v3'),
      },
      securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer token', name: 'authorization', in: 'header' } },
    },
  }
}

/** What the schemas of custom kinds refer to. */
function metadataOf(resources: readonly Resource[]): string[] {
  return resources.some(({ custom }) => custom)
    ? ['ObjectMeta', 'ListMeta'].map((name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`)
    : []
}

/** Documents of other servers are asked for at the same place, and passed on (`aggregation/`). */
function indexOf(versions: ReadonlyMap<string, Version>, remotes: readonly RemoteService[]): object {
  const own = [...versions].map(([path, { hash }]) => [path, { serverRelativeURL: urlOf(path, hash) }])
  const others = remotes.flatMap(({ group, version, openApiHash: hash }) => {
    const path = `apis/${group}/${version}`
    if (hash === undefined) return []
    return [[path, { serverRelativeURL: hash === '' ? `/openapi/v3/${path}` : urlOf(path, hash) }]]
  })
  return { paths: Object.fromEntries([...own, ...others]) }
}

function urlOf(path: string, hash: string): string {
  return `/openapi/v3/${path}?hash=${hash}`
}

/** `api/v1`, `apis/apps/v1` → the resources of that version; sorted. */
function byPath(resources: readonly Resource[]): Map<string, Resource[]> {
  const groups = Map.groupBy(resources, ({ group, apiVersion }) => (group === '' ? `api/${apiVersion}` : `apis/${apiVersion}`))
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function hashOf(resources: readonly Resource[]): string {
  const hash = createHash('sha512').update(`${FORMAT}`).update(factsHash())
  for (const { apiVersion, plural, verbs, subresources, custom } of resources)
    hash.update(JSON.stringify([apiVersion, plural, [...verbs], [...subresources], custom?.schema]))
  return hash.digest('hex').toUpperCase()
}

let hashOfFacts: string | undefined

function factsHash(): string {
  hashOfFacts ??= createHash('sha256').update(JSON.stringify(factsDocument())).digest('hex')
  return hashOfFacts
}

interface Exchange {
  readonly request: ApiRequest
  readonly info: RequestInfo
  readonly reply: Reply
}

function sendVersion(path: string, version: Version, { request, info, reply }: Exchange): void {
  refuseWrites(request)
  const asked = info.query.get('hash')
  if (asked !== null && asked !== version.hash) {
    reply.send(301, 'text/plain; charset=utf-8', '', { location: urlOf(path, version.hash), 'cache-control': 'no-cache, private' })
    return
  }
  version.bytes ??= Buffer.from(JSON.stringify(openApiDocument(version.resources)))
  const cache = asked === null ? 'no-cache, private' : `public, immutable, max-age=${FOR_EVER}`
  send(reply, request, version.bytes, cache, `"${version.hash}"`)
}

function send(reply: Reply, request: ApiRequest, bytes: Buffer, cache: string, tag?: string): void {
  const headers = { 'cache-control': cache, vary: 'Accept', ...(tag ? { etag: tag } : {}) }
  if (tag !== undefined && request.headers['if-none-match'] === tag) reply.send(304, 'application/json', '', headers)
  else reply.send(200, 'application/json', bytes, headers)
}

function refuseWrites({ method }: ApiRequest): void {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
}
