import { microTimestamp } from '../../shared/time/timestamp.ts'
import type { User } from '../authn/user.ts'
import type { ApiRequest } from '../http/exchange.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { AuditLevel, AuditStage } from './audit-policy.ts'
import { sourceAddresses } from './source-addresses.ts'

/** What is known of a request from its beginning. */
export interface AuditFacts {
  readonly level: AuditLevel
  readonly auditID: string
  readonly requestURI: string
  readonly verb: string
  readonly user: object
  readonly sourceIPs: readonly string[]
  readonly userAgent: string | undefined
  readonly requestReceivedTimestamp: string
}

/** What a request is about. */
export interface ObjectRef {
  resource: string
  namespace?: string | undefined
  name?: string | undefined
  uid?: string | undefined
  apiGroup?: string | undefined
  apiVersion?: string | undefined
  resourceVersion?: string | undefined
  subresource?: string | undefined
}

/** What there is to say of a stage. */
export interface AuditStageFindings {
  readonly stage: AuditStage
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Characters of the whole event; one that would be longer goes without its objects. */
  readonly limit: number
  /** An object was too large to be kept. */
  readonly isTruncated: boolean
  readonly impersonatedUser: User | undefined
  readonly objectRef: ObjectRef | undefined
  readonly responseStatus: object | undefined
  /** JSON. */
  readonly requestObject: string | undefined
  readonly responseObject: string | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
}

/** Upstream's bound, and how it says that it cut there. */
const USER_AGENT_CHARACTERS = 1024
const CUT = '...TRUNCATED'
/** What is left out where an event is too large; upstream's key. */
const TRUNCATED = 'audit.k8s.io/truncated'
/** Bytes of all annotations of an event that is too large: without its objects it has room. */
const ANNOTATION_CHARACTERS = 64 * 1024

export function auditFacts(request: ApiRequest, info: RequestInfo, about: Pick<AuditFacts, 'level' | 'auditID'> & AskedBy): AuditFacts {
  const { level, auditID, user, now } = about
  return {
    ...{ level, auditID, requestURI: request.url, verb: info.verb, user: user ? userInfo(user) : {} },
    ...{ sourceIPs: sourceAddresses(request), userAgent: userAgentOf(request), requestReceivedTimestamp: microTimestamp(now) },
  }
}

interface AskedBy {
  readonly user: User | undefined
  /** When, in milliseconds since the epoch. */
  readonly now: number
}

export function objectRefOf(info: RequestInfo): ObjectRef | undefined {
  if (!info.isResource) return undefined
  const { resource, namespace, name, group, version, subresource } = info
  return {
    ...{ resource, namespace: namespace || undefined, name: name || undefined },
    ...{ apiGroup: group || undefined, apiVersion: version, subresource: subresource || undefined },
  }
}

/** A line of the log: audit.k8s.io/v1 Event. */
export function eventText(facts: AuditFacts, findings: AuditStageFindings): string {
  const { stage, now, limit, impersonatedUser, objectRef, responseStatus, annotations, requestObject, responseObject } = findings
  const { level, auditID, requestReceivedTimestamp, ...request } = facts
  const hasNoRoom = findings.isTruncated || (requestObject?.length ?? 0) + (responseObject?.length ?? 0) > limit
  const render = (notes: AuditStageFindings['annotations']) =>
    JSON.stringify({
      ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level, auditID, stage, ...request },
      ...{ impersonatedUser: impersonatedUser && userInfo(impersonatedUser), objectRef, responseStatus },
      ...{ requestReceivedTimestamp, stageTimestamp: microTimestamp(now), annotations: notes },
    })
  const text = render(hasNoRoom ? { ...annotations, [TRUNCATED]: 'true' } : annotations)
  if (text.length > limit) return `${render(firstAnnotations(annotations))}\n`
  if (hasNoRoom) return `${text}\n`
  const sent = requestObject === undefined ? '' : `,"requestObject":${requestObject}`
  const answered = responseObject === undefined ? '' : `,"responseObject":${responseObject}`
  return `${text.slice(0, -1)}${sent}${answered}}\n`
}

/** As many as fit, and the word that there were more. */
function firstAnnotations(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept: Record<string, string> = { [TRUNCATED]: 'true' }
  let room = ANNOTATION_CHARACTERS
  for (const [key, value] of Object.entries(annotations)) {
    room -= key.length + value.length
    if (room < 0) break
    kept[key] = value
  }
  return kept
}

/** authentication.k8s.io UserInfo. */
function userInfo({ name, uid, groups, extra }: User): object {
  return { username: name, uid, groups: groups.length > 0 ? groups : undefined, extra }
}

function userAgentOf({ headers }: ApiRequest): string | undefined {
  const header = headers['user-agent']
  const text = Array.isArray(header) ? header[0] : header
  if (text === undefined || text.length <= USER_AGENT_CHARACTERS) return text
  return `${text.slice(0, USER_AGENT_CHARACTERS)}${CUT}`
}
