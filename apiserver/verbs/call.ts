import { CAUSE_HEADER } from '../../shared/client/cause.ts'
import { fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Random } from '../../shared/random/random.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes } from '../authz/authorizer.ts'
import { bodyTypes, type ParsedBody, parseBody } from '../http/body.ts'
import { unsupportedMediaType } from '../http/body-error.ts'
import type { Representation } from '../http/content-type.ts'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import { isTrue, type RequestInfo } from '../http/request-info.ts'
import { sendObject } from '../http/response.ts'
import { managerName, managerProblems } from '../ownership/manager-name.ts'
import { withWrittenFields } from '../ownership/packed-fields.ts'
import type { Author } from '../ownership/track-write.ts'
import { PROTOBUF_TYPE } from '../protobuf/encode-protobuf.ts'
import { parseProtobuf } from '../protobuf/parse-protobuf.ts'
import type { ObjectRemover } from '../registry/deletion.ts'
import type { ObjectStore } from '../registry/read-object.ts'
import type { Resource, ResourceTable } from '../registry/resource-table.ts'
import { scaleColumns, scaleOf } from '../registry/scale.ts'
import { type Decodable, decodeAs, type FieldValidation } from '../registry/schema-check.ts'
import type { StoredObjects } from '../registry/stored-objects.ts'
import { metadataOf, tableOf, tableWith } from '../registry/table.ts'
import { asServed, asStored, bytesAsServed, shownBytes, storedVersion } from '../registry/versions.ts'
import type { ObjectWriter } from '../registry/write-object.ts'
import type { WriteRequest } from '../registry/write-request.ts'
import type { WatchHub } from '../watch/watch-hub.ts'

/** What verbs work with. */
export interface VerbTools {
  readonly store: ObjectStore
  readonly objects: StoredObjects
  readonly writer: ObjectWriter
  readonly remover: ObjectRemover
  readonly hub: WatchHub
  readonly table: ResourceTable
  readonly clock: Clock
  readonly random: Random
  /** Asks for a right that the request turns out to need besides its own. @throws StatusError Forbidden */
  readonly require: (attributes: AccessAttributes) => void
}

/** A request that was authenticated, authorised and found to name a served resource: verbs accept nothing less. */
export interface Call {
  readonly info: RequestInfo
  readonly request: ApiRequest
  readonly reply: Reply
  readonly user: User
  readonly resource: Resource
  readonly representation: Representation
  /** What allows it, as the authoriser says. */
  readonly allowedBy?: string
  /** Sentences for Warning headers. */
  readonly warnings: string[]
}

/** Upstream's limit for one request body. */
export const BODY_LIMIT = 3 * 1024 * 1024

/** Where the objects are that the call is about; empty for kinds without namespaces, and for all namespaces. */
export function namespaceOf({ info, resource }: Call): string {
  return resource.namespaced ? info.namespace : ''
}

export function writeRequestOf(call: Call, dryRun = isDryRun(call.info.query)): WriteRequest {
  const { info, resource, user, warnings, reply } = call
  const { name, subresource } = info
  return {
    author: authorOf(call),
    resource: storedVersion(resource),
    version: resource.further?.conversion,
    spoken: resource,
    options: () => requestOptions(info),
    namespace: namespaceOf(call),
    name,
    subresource,
    user,
    dryRun,
    warn: (sentence) => warnings.push(sentence),
    audit: reply.audit,
    origin: { verb: info.verb, allowedBy: call.allowedBy ?? '', cause: headerOf(call.request, CAUSE_HEADER) },
  }
}

/** Who is on record for what the call writes. @throws StatusError Invalid */
function authorOf({ info: { query }, request, resource }: Call): Author {
  const said = query.size === 0 ? null : query.get('fieldManager')
  if (said) {
    const problems = [...managerProblems(said, 'fieldManager')]
    if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', problems)
  }
  return { manager: managerName(said, headerOf(request, 'user-agent')), served: resource }
}

const optionKinds: Readonly<Record<string, string>> = { update: 'UpdateOptions', patch: 'PatchOptions' }

/** What a write asked for besides its object, as upstream tells it to webhooks. */
function requestOptions({ verb, query }: RequestInfo): object {
  const text = (name: string) => query.get(name) || undefined
  return {
    kind: optionKinds[verb] ?? 'CreateOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(isDryRun(query) ? { dryRun: ['All'] } : {}),
    ...{ force: query.has('force') ? isTrue(query.get('force')) : undefined },
    ...{ fieldManager: text('fieldManager'), fieldValidation: text('fieldValidation') },
  }
}

/** @throws StatusError Invalid for anything but `All` */
export function isDryRun(query: URLSearchParams): boolean {
  if (query.size === 0) return false
  const values = query.getAll('dryRun').filter((value) => value !== '')
  if (values.some((value) => value !== 'All')) {
    throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [fieldProblem.notSupported('dryRun', values, ['All'])])
  }
  return values.length > 0
}

/** @throws StatusError Invalid */
export function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const value = query.size === 0 ? null : query.get('fieldValidation')
  if (value === null || value === '' || value === 'Warn') return 'Warn'
  if (value === 'Ignore' || value === 'Strict') return value
  const problem = fieldProblem.notSupported('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn'])
  throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [problem])
}

/** The body as an object of the resource's kind in the stored version. @throws StatusError */
export async function readStored(call: Call): Promise<KubeObject> {
  return asStored(call.resource, await readObject(call))
}

/** The body as an object of the resource's kind and version, or of those given. @throws StatusError */
export async function readObject(call: Call, of: Decodable = call.resource): Promise<KubeObject> {
  const fieldValidation = fieldValidationOf(call.info.query)
  const { value, duplicates } = parse(await call.request.readBody(BODY_LIMIT), headerOf(call.request, 'content-type'), of)
  const object = decodeAs(of, value, { fieldValidation, duplicates, warn: (sentence) => call.warnings.push(sentence) })
  call.reply.audit?.requested(withWrittenFields(object))
  return object
}

const withProtobuf: readonly string[] = [...bodyTypes, PROTOBUF_TYPE]

/** By media type; protobuf knows no unknown and no duplicate fields. @throws StatusError BadRequest, UnsupportedMediaType */
export function parse(bytes: Buffer, contentType: string | undefined, of: Decodable): ParsedBody {
  const keepsLong = of.custom !== undefined
  if (mediaTypeOf(contentType) !== PROTOBUF_TYPE)
    return parseBody(bytes, contentType, of.kind, keepsLong ? bodyTypes : withProtobuf, keepsLong)
  if (of.custom) throw unsupportedMediaType(bodyTypes, '; custom resources have no protobuf form')
  return { value: parseProtobuf(bytes, of), duplicates: [] }
}

export function headerOf(request: ApiRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Answers an object that was just stored, in the version and representation asked for. */
export function answerStored(call: Call, code: number, value: Buffer, now: number): void | Promise<void> {
  const shown = shownBytes(call.resource, value)
  return shown instanceof Promise ? shown.then((bytes) => answerObject(call, code, bytes, now)) : answerObject(call, code, shown, now)
}

/** Answers one object of the store, as `shownEntries` made it ready, in the version and representation asked for. */
export function answerObject(call: Call, code: number, value: Buffer, now: number): void | Promise<void> {
  const { representation, reply, resource, warnings } = call
  if (representation.shape === 'object') return sendObject(reply, code, bytesAsServed(resource, value), representation, warnings)
  const object = readExactJson(value.toString()) as KubeObject
  if (representation.shape === 'metadata') {
    return sendObject(reply, code, metadataOf(asServed(resource, object), representation.meta), representation, warnings)
  }
  const { resourceVersion } = object.metadata
  const table = tableOf(resource, [object], { resourceVersion }, { ...representation, now })
  return sendObject(reply, code, table, representation, warnings)
}

/** Answers the Scale of an object in the representation asked for. */
export function answerScale({ representation, reply, resource, warnings }: Call, object: KubeObject, now: number): void | Promise<void> {
  const scale = scaleOf(resource, object)
  if (representation.shape === 'object') return sendObject(reply, 200, scale, representation, warnings)
  if (representation.shape === 'metadata') return sendObject(reply, 200, metadataOf(scale, representation.meta), representation, warnings)
  const { resourceVersion } = scale.metadata
  const style = { ...representation, now }
  return sendObject(reply, 200, tableWith(scaleColumns, [scale], { resourceVersion }, style), representation, warnings)
}

/** Answers a list as one object, for people and for what was never stored; `objects` are given as stored. */
export function wholeList(
  resource: Resource,
  { shape, includeObject, meta }: Representation,
  objects: readonly KubeObject[],
  metadata: object,
  now: number,
): object {
  if (shape === 'table') return tableOf(resource, objects, metadata, { includeObject, meta, now })
  if (shape === 'metadata') {
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: meta,
      metadata,
      items: objects.map((object) => metadataOf(asServed(resource, object), meta)),
    }
  }
  return {
    kind: resource.listKind,
    apiVersion: resource.apiVersion,
    metadata,
    items: objects.map((object) => asServed(resource, object)),
  }
}

/** meta/v1 Status of a success, with what it was about. */
export function successStatus(resource: Resource, name: string, uid: string | undefined, code?: number): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(resource.group ? { group: resource.group } : {}), kind: resource.plural, ...(uid ? { uid } : {}) },
    ...(code === undefined ? {} : { code }),
  }
}
