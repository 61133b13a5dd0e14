import { Readable } from 'node:stream'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { StreamScopes } from '../../shared/streams/stream-scope.ts'
import type { User } from '../authn/user.ts'
import type { DialRule } from '../connect/dialable-address.ts'
import { passRequestOn } from '../connect/http-proxy.ts'
import { forwardedFor, requestHeaders } from '../connect/proxy-headers.ts'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { type RequestInfo, unknownPath } from '../http/request-info.ts'
import { availableCondition } from '../rules/apiregistration/api-service.ts'
import { identityHeaders } from './identity-headers.ts'
import type { RemoteService } from './remote-services.ts'
import { type RemoteTools, remoteTarget, serverName } from './remote-target.ts'

/** A request that was authenticated and authorised, and whose answer another server has. */
export interface RemoteCall {
  readonly request: ApiRequest
  readonly info: RequestInfo
  readonly reply: Reply
  readonly user: User
  /** Where it was read already; undefined: it flows through. */
  readonly body: Buffer | undefined
}

export interface RemoteProxyParts extends RemoteTools {
  readonly rule: DialRule
  readonly log: Logger
}

/** Passes requests on to the servers behind APIServices, as the front proxy: with its own certificate, and the user's name in headers. */
export class RemoteProxy {
  readonly #parts: RemoteProxyParts
  readonly #scopes: StreamScopes

  constructor(parts: RemoteProxyParts) {
    this.#parts = parts
    this.#scopes = new StreamScopes(parts.log)
  }

  /** Resolves when the answer is over. @throws StatusError as long as nothing was answered */
  async handle(remote: RemoteService, call: RemoteCall): Promise<void> {
    const { request, info, reply, user, body } = call
    refuseOtherReadings(info)
    requireAvailable(remote)
    const target = remoteTarget(remote, this.#parts)
    const rawPath = request.url.split('?', 1)[0]!
    const headers = {
      ...requestHeaders(request.headers),
      ...forwardedFor(request.headers, { from: request.remoteAddress, path: rawPath }),
      ...identityHeaders(user),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      host: serverName(remote),
    }
    const sent = { path: request.url, headers, body: body && Readable.from([body]), place: undefined }
    await this.#scopes.run('apiservices', info.path, (scope) => {
      reply.onClose(() => scope.end(new Error('the client went away')))
      return passRequestOn(target, sent, call, { rule: this.#parts.rule, scope })
    })
  }

  /** Open requests. */
  counts(): ReturnType<StreamScopes['counts']> {
    return this.#scopes.counts()
  }

  /** Ends them all. */
  close(): void {
    this.#scopes.endAll()
  }
}

function requireAvailable({ name, service }: RemoteService): void {
  const condition = availableCondition(service)
  if (condition?.status === 'True') return
  const why = condition?.message ?? 'it was not looked at yet'
  throw new StatusError('ServiceUnavailable', `service unavailable: APIService ${JSON.stringify(name)}: ${why}`)
}

/** What another server would read as something else than what was authorised. @throws StatusError NotFound, BadRequest */
function refuseOtherReadings({ rest, verb, query }: RequestInfo): void {
  for (const part of rest.split('/')) if (/^(\.|%2e){1,2}$/i.test(part)) throw unknownPath()
  const watch = query.size > 0 ? query.get('watch') : null
  // Upstream's servers take everything else for a yes.
  if (watch !== null && verb !== 'watch' && watch !== '0' && watch.toLowerCase() !== 'false') {
    throw new StatusError('BadRequest', `watch: ${JSON.stringify(watch.slice(0, 100))} is neither true nor false`)
  }
}
