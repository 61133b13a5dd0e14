import { hasReason } from '../shared/errors/status-error.ts'
import type { Logger } from '../shared/logging/logger.ts'
import type { FieldSelector } from '../shared/selectors/field-selector.ts'
import { SelectorError } from '../shared/selectors/selector-error.ts'
import type { Clock } from '../shared/time/clock.ts'
import type { RemoteCall, RemoteProxy } from './aggregation/remote-proxy.ts'
import type { RemoteService, RemoteServices } from './aggregation/remote-services.ts'
import type { AuditTrail } from './audit/audit-trail.ts'
import type { Auditor } from './audit/auditor.ts'
import type { Authentication } from './authn/authenticate.ts'
import type { User } from './authn/user.ts'
import type { Authorization } from './authz/authorize.ts'
import type { AccessAttributes } from './authz/authorizer.ts'
import { impersonatedUser, wantsImpersonation } from './authz/impersonation.ts'
import type { Flow, FlowControl } from './flowcontrol/flow-control.ts'
import { negotiate, negotiateStatus, type Representation } from './http/content-type.ts'
import type { ApiRequest, Reply } from './http/exchange.ts'
import { checkUrlSize } from './http/input-size.ts'
import { isTrue, methodNotAllowed, type RequestInfo, requestInfo, unknownPath } from './http/request-info.ts'
import { sendError } from './http/response.ts'
import { UpgradeReply } from './http/upgrade.ts'
import { withDeadline } from './limits/deadline.ts'
import type { RequestMetrics } from './limits/request-metrics.ts'
import type { Resource, ResourceTable } from './registry/resource-table.ts'
import { refuseChanges, refuseUnstored } from './rewind/read-only.ts'
import type { Past } from './rewind/rewind.ts'
import { action } from './verbs/action.ts'
import { BODY_LIMIT, type Call, headerOf, type VerbTools } from './verbs/call.ts'
import { deleteCollection, deleteOne } from './verbs/delete.ts'
import { get, list } from './verbs/read.ts'
import { watch } from './verbs/watch.ts'
import { create, patch, update } from './verbs/write.ts'

/** Serves a path that is no resource (`/version`, `/healthz`, discovery). @throws StatusError */
export type PathHandler = (request: ApiRequest, info: RequestInfo, reply: Reply) => void | Promise<void>

/** Serves a sub-resource with streams (log, exec, attach, portforward, proxy). */
export type ConnectHandler = (call: Call) => Promise<void>

export interface PipelineTools {
  readonly authentication: Authentication
  /** Absent: nothing is written down. */
  readonly auditor: Auditor | undefined
  readonly authorization: Authorization
  readonly flowControl: FlowControl
  readonly table: ResourceTable
  readonly verbs: VerbTools
  /** The API at a moment. @throws StatusError */
  readonly past: (moment: string) => Promise<Past>
  /** Tells the chain of an object. @throws StatusError */
  readonly hood: (resource: Resource, asked: Asked) => Promise<void>
  /** What there is to say of a moment itself, by path. */
  readonly momentPaths: (path: string, past: Past, user: User) => PathHandler | undefined
  /** By path; asked for paths that are no resource. */
  readonly paths: (path: string) => PathHandler | undefined
  readonly connect: ConnectHandler
  /** Other people's API servers. */
  readonly remotes: { readonly services: RemoteServices; readonly proxy: RemoteProxy }
  readonly metrics: RequestMetrics
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds after which a request that is not long-running is given up. */
  readonly deadline: number
}

/**
 * The request path, top to bottom: parse → authenticate → authorise → resolve → body → seat → verb. What happens inside a write
 * (decode → mutate → default → validate → validating admission → store) is in registry/write-object.ts, because updates repeat
 * it. docs/request-path.md draws it with the status code of every exit.
 */
export class Pipeline {
  readonly #tools: PipelineTools

  constructor(tools: PipelineTools) {
    this.#tools = tools
  }

  /** Never rejects: every failure is answered as a Status. */
  async handle(request: ApiRequest, reply: Reply): Promise<void> {
    const { metrics, clock } = this.#tools
    const start = clock.monotonic()
    let info: RequestInfo | undefined
    // A refusal tells them, too.
    const warnings: string[] = []
    try {
      checkUrlSize(request.url) // 414
      info = requestInfo(request.method, request.url) // 400 404
      await this.#serve(request, info, reply, warnings)
    } catch (error) {
      this.#refuse(request, info, reply, error, warnings)
    }
    metrics.observe(info, clock.monotonic() - start)
    if (reply.audit) endTrail(reply.audit, reply)
  }

  /** Even a failure to say what failed must end with this request. */
  #refuse(request: ApiRequest, info: RequestInfo | undefined, reply: Reply, error: unknown, warnings: readonly string[]): void {
    const about = { method: request.method, url: request.url.slice(0, 300) }
    try {
      sendError(reply, error, this.#tools.log, about, statusForm(request, info), warnings)
    } catch (unsaid) {
      this.#tools.log.error('an error could not be answered', { ...about, error: unsaid, cause: error })
      reply.abort()
    }
  }

  async #serve(request: ApiRequest, info: RequestInfo, reply: Reply, warnings: string[]): Promise<void> {
    const { flowControl, clock, deadline } = this.#tools
    const user = await this.#authenticate(request, info, reply) // 401 403 500
    const flow = flowControl.flowOf(info, user)
    reply.belongTo(user.name, flow.headers)
    const allowed = this.#authorize(info, user, reply.audit) // 403
    const allowedBy = typeof allowed === 'string' ? allowed : await allowed
    const asked = { info, request, reply, user, warnings, allowedBy }
    if (info.isUnderTheHood) return this.#lookUnderTheHood(asked, flow)
    if (info.moment !== undefined) return this.#lookBack(info.moment, asked, flow)
    const remote = this.#tools.remotes.services.ofRequest(info)
    if (remote) return this.#passOn(remote, { request, info, reply, user }, flow) // 502 503
    const target = this.#targetOf(info) // 404
    if (isStreaming(info)) return this.#work(target, asked, this.#tools.verbs) ?? undefined
    // Nobody holds a seat while their bytes are still on the way.
    if (info.isResource && hasBody.has(info.verb)) await request.readBody(BODY_LIMIT, user.name) // 408 413 429
    const entered = flowControl.enter(flow, info, user, this.#objectsRead(info, target), (gone) => reply.onClose(gone)) // 429
    const seat = entered instanceof Promise ? await entered : entered
    try {
      const work = this.#work(target, asked, this.#tools.verbs)
      if (!work) return
      // A watch keeps its seat until it has begun.
      await (info.verb === 'watch' ? work : withDeadline(work, deadline, clock)) // 504
    } finally {
      seat.leave()
    }
  }

  /** Why one object is as it is. What is told of others is asked for by itself. */
  async #lookUnderTheHood(asked: Asked, flow: Flow): Promise<void> {
    const { table, hood } = this.#tools
    const { info } = asked
    const target = table.find(info.group, info.version, info.resource)
    if (!target || info.name === '' || info.subresource !== '') throw unknownPath() // 404
    if (info.verb !== 'get') throw methodNotAllowed() // 405
    await this.#seated(flow, asked, 1, () => hood(target, asked)) // 429 504
  }

  /** A request about a moment of the past: rights are those of now, what is served and stored is what it was. */
  async #lookBack(moment: string, asked: Asked, flow: Flow): Promise<void> {
    const { table, past, momentPaths } = this.#tools
    const { info, request, reply, user } = asked
    refuseChanges(info) // 405
    if (info.isResource && hasBody.has(info.verb)) await request.readBody(BODY_LIMIT, user.name) // 408 413 429
    const now = table.find(info.group, info.version, info.resource)
    // 429 504
    await this.#seated(flow, asked, now ? this.#objectsRead(info, now) : 1, async () => {
      const then = await past(moment) // 400 410 503
      const target = info.isResource
        ? then.table.find(info.group, info.version, info.resource)
        : (momentPaths(info.path, then, user) ?? then.paths(info.path))
      if (!target) throw unknownPath() // 404
      if (typeof target === 'function') return target(request, info, reply)
      refuseUnstored(info, target) // 405
      await this.#work(target, asked, await then.verbsFor(target, info, request))
    })
  }

  /** Works on a seat that is kept until the end, or the deadline. */
  async #seated(flow: Flow, { info, user, reply }: Asked, objects: number, work: () => Promise<void>): Promise<void> {
    const { flowControl, clock, deadline } = this.#tools
    const entered = flowControl.enter(flow, info, user, objects, (gone) => reply.onClose(gone))
    const seat = entered instanceof Promise ? await entered : entered
    try {
      await withDeadline(work(), deadline, clock)
    } finally {
      seat.leave()
    }
  }

  /** To the server of an APIService. It admits and stores by its own rules; who asks, and whether they may, was settled here. */
  async #passOn(remote: RemoteService, call: Omit<RemoteCall, 'body'>, flow: Flow): Promise<void> {
    const { flowControl, clock, deadline, remotes } = this.#tools
    const { request, info, reply, user } = call
    if (isStreaming(info) || reply instanceof UpgradeReply) return remotes.proxy.handle(remote, { ...call, body: undefined })
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const body = isRead ? undefined : await request.readBody(BODY_LIMIT, user.name) // 408 413 429
    const entered = flowControl.enter(flow, info, user, 1, (gone) => reply.onClose(gone)) // 429
    const seat = entered instanceof Promise ? await entered : entered
    const work = remotes.proxy.handle(remote, { ...call, body })
    // A watch lasts as long as its client wants: it holds no seat.
    if (info.verb === 'watch') seat.leave()
    try {
      await (info.verb === 'watch' ? work : withDeadline(work, deadline, clock)) // 504
    } finally {
      if (info.verb !== 'watch') seat.leave()
    }
  }

  /**
   * Roles and bindings reach the authoriser a moment after their writers were answered: a no that may rest on an old policy is
   * asked again when it has caught up.
   */
  #authorize(info: RequestInfo, user: User, audit: AuditTrail | undefined): string | Promise<string> {
    const { authorization, verbs } = this.#tools
    const attributes = attributesOf(info, user)
    try {
      return authorization.require(attributes, audit)
    } catch (error) {
      if (!hasReason(error, 'Forbidden') || verbs.objects.isCurrent) throw error
      return verbs.objects.upToDate().then(
        () => authorization.require(attributes, audit),
        // The store does not say what others have written: what is known here holds.
        () => {
          throw error
        },
      )
    }
  }

  #targetOf(info: RequestInfo): Resource | PathHandler {
    const { paths, table } = this.#tools
    const target = info.isResource ? table.find(info.group, info.version, info.resource) : paths(info.path)
    if (!target) throw unknownPath()
    return target
  }

  /** What a list costs. */
  #objectsRead(info: RequestInfo, target: Resource | PathHandler): number {
    if (info.verb !== 'list' || typeof target === 'function') return 1
    const count = this.#tools.verbs.store.storage.count(target.prefix)
    const limit = count > 100 && info.query.size > 0 ? Number(info.query.get('limit') ?? '0') : 0
    return limit > 0 ? Math.min(count, limit) : count
  }

  /** Undefined when the answer is given already: reads of one object need no deadline and no promise. */
  #work(target: Resource | PathHandler, asked: Asked, verbs: VerbTools): Promise<void> | undefined {
    const { info, request, reply } = asked
    if (typeof target === 'function') return target(request, info, reply) ?? undefined
    const representation = representationOf(request, info, target)
    return this.#carryOut({ ...asked, resource: target, representation }, verbs) ?? undefined
  }

  #carryOut(call: Call, verbs: VerbTools): void | Promise<void> {
    const { info, resource } = call
    if (!resource.namespaced && info.namespace !== '' && !isNamespaceItself(info)) throw unknownPath() // 404
    if (info.subresource !== '') return this.#subresource(call, verbs)
    if (!resource.verbs.has(info.verb)) throw methodNotAllowed() // 405
    const needsNamespace = resource.namespaced && info.namespace === ''
    if (needsNamespace && info.verb !== 'list' && info.verb !== 'watch') throw methodNotAllowed() // 405
    switch (info.verb) {
      case 'get':
        return get(call, verbs) // 404
      case 'list':
        return list(call, verbs) // 400 410
      case 'watch':
        return watch(call, verbs) // 410, inside the stream
      case 'create':
        if (info.name !== '') throw methodNotAllowed()
        return create(call, verbs) // 400 409 415 422
      case 'update':
        if (info.name === '') throw methodNotAllowed()
        return update(call, verbs) // 400 404 409 415 422
      case 'patch':
        if (info.name === '') throw methodNotAllowed()
        return patch(call, verbs) // 400 404 409 415 422
      case 'delete':
        return deleteOne(call, verbs) // 404 409
      case 'deletecollection':
        return deleteCollection(call, verbs)
      default:
        throw methodNotAllowed()
    }
  }

  #subresource(call: Call, verbs: VerbTools): void | Promise<void> {
    const { info, resource } = call
    const { connect } = this.#tools
    const served = resource.subresources.get(info.subresource)
    if (!served || (info.rest !== '' && served.how !== 'connect')) throw unknownPath() // 404
    if (resource.namespaced && info.namespace === '') throw methodNotAllowed() // 405
    if (served.how === 'connect') return connect(call)
    if (served.how === 'action') {
      if (info.verb !== 'create') throw methodNotAllowed()
      return action(call, verbs)
    }
    if (!served.verbs.includes(info.verb)) throw methodNotAllowed() // 405
    if (info.verb === 'get') return get(call, verbs)
    return info.verb === 'patch' ? patch(call, verbs) : update(call, verbs)
  }

  /** Who comes is written down before it is asked whether they may be somebody else. */
  async #authenticate(request: ApiRequest, info: RequestInfo, reply: Reply): Promise<User> {
    const { authentication, authorization, auditor } = this.#tools
    let { user } = request
    try {
      user ??= await authentication.authenticate(request) // 401
    } catch (error) {
      auditor?.refuse(request, info, reply)
      throw error
    }
    const written = auditor?.begin(request, info, reply, user)
    if (written) await written // 500
    if (!wantsImpersonation(request.headers)) return user
    const other = impersonatedUser(user, request.headers, (attributes) => authorization.require(attributes))
    reply.audit?.actsAs(other)
    return other
  }
}

/** A request before it is known what it leads to. */
export type Asked = Omit<Call, 'resource' | 'representation'>

const streaming = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])
/** Verbs that read what was sent. */
const hasBody = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])

/** They last as long as the client wants: no deadline, no seat, and their bodies flow through. */
function isStreaming(info: RequestInfo): boolean {
  return streaming.has(info.subresource)
}

/** A stream that was opened goes on when its request has been worked on. */
function endTrail(trail: AuditTrail, reply: Reply): void {
  if (trail.isLongRunning) reply.onClose(() => trail.completes())
  else trail.completes()
}

/** The only resource without a namespace that has one in its path. */
function isNamespaceItself({ resource, namespace, name }: RequestInfo): boolean {
  return resource === 'namespaces' && name === namespace
}

function attributesOf(info: RequestInfo, user: User): AccessAttributes {
  const { verb, group, version, resource, subresource, namespace, name, path } = info
  if (!info.isResource) return { user, verb, group, version, resource, subresource, namespace, name, path }
  if (verb !== 'list' && verb !== 'watch') return { user, verb, group, version, resource, subresource, namespace, name }
  const fields = info.fields instanceof SelectorError ? undefined : info.fields
  // A list of one name is a question about that name, as upstream asks it.
  return { user, verb, group, version, resource, subresource, namespace, name: name || (onlyName(fields) ?? ''), fields }
}

function onlyName(fields: FieldSelector | undefined): string | undefined {
  return fields && !fields.empty ? fields.requiredValue('metadata.name') : undefined
}

function representationOf(request: ApiRequest, info: RequestInfo, resource: Resource): Representation {
  const hasQuery = info.query.size > 0
  const isQuestion = resource.definition.hooks.answer !== undefined
  const isAction = info.subresource !== '' && resource.subresources.get(info.subresource)?.how === 'action'
  return negotiate({
    accept: headerOf(request, 'accept'),
    userAgent: headerOf(request, 'user-agent'),
    pretty: hasQuery ? info.query.get('pretty') : null,
    includeObject: hasQuery ? info.query.get('includeObject') : null,
    tables: !isQuestion && !isAction,
    // A Scale is no custom resource, whoever it scales.
    protobuf: !resource.custom || info.subresource === 'scale',
  })
}

function statusForm(request: ApiRequest, info: RequestInfo | undefined): Representation {
  const pretty = info?.query.get('pretty') ?? null
  return negotiateStatus({
    accept: headerOf(request, 'accept'),
    userAgent: headerOf(request, 'user-agent'),
    pretty: pretty === null ? null : String(isTrue(pretty)),
    includeObject: null,
  })
}
