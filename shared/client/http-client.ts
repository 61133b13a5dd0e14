import { StatusError } from '../errors/status-error.ts'
import { type KubeObject, type ObjectName, objectKey } from '../objects/object.ts'
import type { ListMeta } from '../openapi/generated/meta-v1.ts'
import type { Clock } from '../time/clock.ts'
import { CAUSE_HEADER, causeHeader } from './cause.ts'
import type {
  ApiVersion,
  Client,
  DeleteOptions,
  KindOf,
  List,
  ListOptions,
  ObjectOf,
  Patch,
  RawRequest,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import { ConnectionError } from './connection-error.ts'
import { objectPath, resourcePath, withQuery } from './resource-path.ts'
import type { Transport, TransportResponse } from './transport.ts'
import { readWatchEvents } from './watch-stream.ts'

interface HttpClientTools {
  clock: Clock
  /** `User-Agent`, by which audit and field managers know us. */
  userAgent: string
}

/** How often an answer of "not now, try after …" is obeyed before it becomes the caller's. */
const MOST_RETRIES = 10

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

/**
 * The Client over HTTP. It waits and retries only where the server says so (`Retry-After` on 429 and 5xx); there is no rate limit
 * of its own. Answers are trusted to have the shape of their kind: the server checked them when they were written.
 */
export function createHttpClient(transport: Transport, tools: HttpClientTools): Client {
  const exchange = async (method: string, path: string, raw: RawRequest, stream = false): Promise<TransportResponse> => {
    const headers: Record<string, string> = { accept: raw.accept ?? 'application/json', 'user-agent': tools.userAgent }
    if (raw.body !== undefined) headers['content-type'] = raw.contentType ?? 'application/json'
    const cause = method === 'GET' ? undefined : causeHeader()
    if (cause !== undefined) headers[CAUSE_HEADER] = cause
    const body = raw.body === undefined ? undefined : JSON.stringify(raw.body)
    for (let retries = 0; ; retries++) {
      const response = await transport.send({ method, path: withQuery(path, raw.query), headers, body, signal: raw.signal, stream })
      if (response.status < 400) return response
      const text = await response.text()
      const wait = retryAfter(response)
      if (wait === undefined || retries >= MOST_RETRIES) throw StatusError.fromResponse(response.status, parsedOr(text))
      await tools.clock.sleep(wait, raw.signal)
    }
  }
  const ask = async (method: string, path: string, raw: RawRequest): Promise<unknown> => {
    const response = await exchange(method, path, raw)
    const text = await response.text()
    if (text === '') return undefined
    const answer = parsedOr(text)
    if (typeof answer === 'string' && !raw.accept) throw new ConnectionError(`the answer to ${method} ${path} is no JSON`)
    return answer
  }
  async function* watchPath(path: string, { query, accept, signal }: RawRequest = {}): AsyncGenerator<WatchEvent<unknown>> {
    const response = await exchange('GET', path, { query: { ...query, watch: 'true' }, accept, signal }, true)
    yield* readWatchEvents(response.chunks())
  }
  const write = async (method: string, path: string, body: unknown, options: WriteOptions, contentType?: string) =>
    ask(method, path, { body, contentType, query: writeQuery(options), signal: options.signal })

  return {
    request: (method, path, options = {}) => ask(method, path, options),
    watchPath,
    get: <V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, name: ObjectName, options: { signal?: AbortSignal | undefined } = {}) =>
      ask('GET', objectPath(v, k, name), { signal: options.signal }) as Promise<ObjectOf<V, K>>,
    async list<V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, options: ListOptions = {}): Promise<List<ObjectOf<V, K>>> {
      const answer = await ask('GET', resourcePath(v, k, options.namespace), { query: listQuery(options), signal: options.signal })
      return typedList<ObjectOf<V, K>>(answer, v, k)
    },
    watch: <V extends ApiVersion, K extends KindOf<V>>(v: V, k: K, options: WatchOptions = {}) =>
      watchPath(resourcePath(v, k, options.namespace), { query: watchQuery(options), signal: options.signal }) as AsyncIterable<
        WatchEvent<ObjectOf<V, K>>
      >,
    create: (v, k, object, options = {}) => {
      const namespace = options.namespace ?? object.metadata.namespace
      return write('POST', resourcePath(v, k, namespace, true), { apiVersion: v, kind: k, ...object }, options) as never
    },
    update: (v, k, object, options = {}) => write('PUT', pathOf(v, k, object), object, options) as never,
    updateStatus: (v, k, object, options = {}) => write('PUT', `${pathOf(v, k, object)}/status`, object, options) as never,
    patch: (v, k, name, patch: Patch, options = {}) => {
      const path = `${objectPath(v, k, name)}${patch.subresource ? `/${patch.subresource}` : ''}`
      return write('PATCH', path, patch.body, options, patchTypes[patch.type]) as never
    },
    async delete(v, k, name, options = {}) {
      await write('DELETE', objectPath(v, k, name), deleteBody(options), options)
    },
    createSubresource: (v, k, name, subresource, body, options = {}) =>
      write('POST', `${objectPath(v, k, name)}/${subresource}`, body, options),
  }
}

function pathOf(v: string, k: string, object: KubeObject): string {
  if (!object.metadata.name) throw new Error(`a ${k} without a name cannot be written: ${objectKey(object)}`)
  return objectPath(v, k, { namespace: object.metadata.namespace, name: object.metadata.name })
}

/** Items of a list need not say what they are; here they do, so that they can be recorded about and written back. */
function typedList<T extends KubeObject>(answer: unknown, apiVersion: string, kind: string): List<T> {
  if (typeof answer !== 'object' || answer === null || !('items' in answer)) throw new ConnectionError(`the answer is no list of ${kind}`)
  const items = (answer.items ?? []) as T[]
  for (const item of items) {
    if (!item.kind) Object.assign(item, { apiVersion, kind })
  }
  const metadata = 'metadata' in answer ? (answer.metadata as ListMeta) : {}
  return { metadata, items }
}

function selectionQuery({ labelSelector, fieldSelector }: Selection): Record<string, string> {
  return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) }
}

function listQuery(options: ListOptions): Record<string, string> {
  const { resourceVersion, resourceVersionMatch, limit } = options
  return {
    ...selectionQuery(options),
    ...(resourceVersion !== undefined ? { resourceVersion } : {}),
    ...(resourceVersionMatch ? { resourceVersionMatch } : {}),
    ...(limit ? { limit: String(limit) } : {}),
    ...(options.continue ? { continue: options.continue } : {}),
  }
}

function watchQuery(options: WatchOptions): Record<string, string> {
  const { resourceVersion, allowBookmarks, sendInitialEvents, timeoutSeconds } = options
  return {
    ...selectionQuery(options),
    ...(resourceVersion !== undefined ? { resourceVersion } : {}),
    ...(allowBookmarks ? { allowWatchBookmarks: 'true' } : {}),
    ...(sendInitialEvents ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' } : {}),
    ...(timeoutSeconds ? { timeoutSeconds: String(timeoutSeconds) } : {}),
  }
}

function writeQuery({ dryRun, fieldManager }: WriteOptions): Record<string, string> {
  return { ...(dryRun ? { dryRun: 'All' } : {}), ...(fieldManager ? { fieldManager } : {}) }
}

function deleteBody({ gracePeriodSeconds, propagationPolicy, preconditions }: DeleteOptions): unknown {
  if (gracePeriodSeconds === undefined && !propagationPolicy && !preconditions) return undefined
  return { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, propagationPolicy, preconditions }
}

/** Milliseconds to wait before asking again, when the server asks us to. */
function retryAfter(response: TransportResponse): number | undefined {
  if (response.status !== 429 && response.status < 500) return undefined
  const seconds = Number(response.header('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
