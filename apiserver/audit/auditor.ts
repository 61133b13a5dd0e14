import { StatusError } from '../../shared/errors/status-error.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { User } from '../authn/user.ts'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import type { RequestInfo } from '../http/request-info.ts'
import { auditFacts, objectRefOf } from './audit-event.ts'
import type { AuditMetrics } from './audit-metrics.ts'
import type { AuditRules } from './audit-policy.ts'
import { type AuditSink, AuditTrail } from './audit-trail.ts'

export interface AuditorOptions {
  readonly rules: AuditRules
  readonly sink: AuditSink
  readonly metrics: AuditMetrics
  readonly clock: Clock
  readonly random: Random
}

/** What a client may call its request. */
const ID = /^[A-Za-z0-9._:~-]{1,64}$/
/** Characters of one event; two objects as large as can be stored fit, and the largest body does. */
const EVENT_CHARACTERS = 4 * 1024 * 1024

/** Begins the audit trails of requests. */
export class Auditor {
  readonly #options: AuditorOptions

  constructor(options: AuditorOptions) {
    this.#options = options
  }

  /**
   * Leaves a trail on the reply where the policy wants one.
   * @throws StatusError InternalError where nothing may happen that is not written down, and it cannot be
   */
  begin(request: ApiRequest, info: RequestInfo, reply: Reply, user: User): Promise<void> | undefined {
    const trail = this.#trail(request, info, reply, user)
    const written = trail?.received()
    return written?.then((isWritten) => {
      if (isWritten) return
      this.#options.metrics.rejected()
      throw new StatusError('InternalError', 'Internal error occurred: failed to store audit event')
    })
  }

  /** Of a request whose sender is not known. */
  refuse(request: ApiRequest, info: RequestInfo, reply: Reply): void {
    this.#trail(request, info, reply, undefined)?.refused(attempted(request))
  }

  #trail(request: ApiRequest, info: RequestInfo, reply: Reply, user: User | undefined): AuditTrail | undefined {
    const { rules, sink, metrics, clock, random } = this.#options
    const decision = rules.decide(info, user)
    metrics.level(decision.level)
    if (decision.level === 'None') return undefined
    const given = request.headers['audit-id']
    const auditID = typeof given === 'string' && ID.test(given) ? given : random.uuid()
    const now = () => clock.now()
    const facts = auditFacts(request, info, { level: decision.level, auditID, user, now: now() })
    const isLongRunning = isLong(info)
    return (reply.audit = new AuditTrail({
      facts,
      decision,
      objectRef: objectRefOf(info),
      isLongRunning,
      sink,
      now,
      limit: EVENT_CHARACTERS,
    }))
  }
}

const streams = new Set(['attach', 'exec', 'log', 'portforward', 'proxy'])

/** Upstream's list. */
function isLong({ verb, subresource }: RequestInfo): boolean {
  return verb === 'watch' || streams.has(subresource)
}

/** By what somebody tried to be known; never what they showed. */
function attempted({ headers, clientCertificate, certificateProblem }: ApiRequest): string {
  const scheme = String(headers['authorization'] ?? '')
    .trim()
    .split(' ', 1)[0]!
    .toLowerCase()
  const ways = [
    ...(scheme === 'basic' || scheme === 'bearer' ? [scheme] : []),
    ...(clientCertificate !== undefined || certificateProblem !== undefined ? ['x509'] : []),
  ]
  return ways.length > 0 ? `Authentication failed, attempted: ${ways.join(', ')}` : 'Authentication failed, no credentials provided'
}
