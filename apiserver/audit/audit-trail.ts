import { readExactJson, writeExactJson } from '../../shared/text/exact-json.ts'
import type { User } from '../authn/user.ts'
import { type AuditFacts, eventText, type ObjectRef } from './audit-event.ts'
import { type AuditDecision, type AuditLevel, type AuditStage, auditLevels } from './audit-policy.ts'
import { identityOf, statusOf, withoutManagedFields } from './audited-body.ts'

/** What whoever has a part in a request may say of it for the audit log. */
export interface AuditAnnotations {
  /** Whether what is only written down at this level is worth making. */
  holds(level: AuditLevel): boolean
  /** Who says something twice is heard once: retries repeat themselves. `level` is the least at which it is written down; default Metadata. */
  annotate(key: string, value: string, level?: AuditLevel): void
}

/** Where events go. */
export interface AuditSink {
  /** Resolves when the event is where it belongs, with whether it is; undefined where nobody waits for that. */
  write(event: string): Promise<boolean> | undefined
}

export interface TrailParts {
  readonly facts: AuditFacts
  readonly decision: AuditDecision
  readonly objectRef: ObjectRef | undefined
  /** A watch or a stream: its answer begins long before it ends. */
  readonly isLongRunning: boolean
  readonly sink: AuditSink
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Characters of one event. */
  readonly limit: number
}

/** How an answer that never came is told; upstream's words. */
const CLOSED_EARLY = { metadata: {}, status: 'Success', message: 'Connection closed early', code: 200 }
/** Characters of the annotations of one request: webhooks and policies may say much. */
const ANNOTATION_CHARACTERS = 1024 * 1024

/** What the audit log is told of one request. There is none where nothing is written down, so whoever has something to say costs nothing there. */
export class AuditTrail implements AuditAnnotations {
  readonly #parts: TrailParts
  /** Headers that the answer carries. */
  readonly headers: Readonly<Record<string, string>>
  #impersonated: User | undefined
  readonly #ref: ObjectRef | undefined
  #status: object | undefined
  #requestObject: string | undefined
  #responseObject: string | undefined
  #isTruncated = false
  #annotations: Record<string, string> | undefined
  #annotationRoom = ANNOTATION_CHARACTERS
  #hasStarted = false
  #hasPanicked = false
  #isOver = false

  constructor(parts: TrailParts) {
    this.#parts = parts
    this.#ref = parts.objectRef
    this.headers = { 'audit-id': parts.facts.auditID }
  }

  get isLongRunning(): boolean {
    return this.#parts.isLongRunning
  }

  holds(level: AuditLevel): boolean {
    return auditLevels.indexOf(this.#parts.decision.level) >= auditLevels.indexOf(level)
  }

  annotate(key: string, value: string, level: AuditLevel = 'Metadata'): void {
    if (!this.holds(level)) return
    this.#annotations ??= {}
    const room = this.#annotationRoom - key.length - value.length
    if (Object.hasOwn(this.#annotations, key) || room < 0) return
    this.#annotationRoom = room
    this.#annotations[key] = value
  }

  /** Whether the request was allowed, and why. */
  authorized(decision: 'allow' | 'forbid', reason: string): void {
    this.annotate('authorization.k8s.io/decision', decision)
    this.annotate('authorization.k8s.io/reason', reason)
  }

  actsAs(user: User): void {
    this.#impersonated = user
  }

  /** The object that was sent, as it was understood. Later attempts read the same. */
  requested(body: unknown): void {
    if (this.#ref) {
      const { name, namespace, uid, resourceVersion } = identityOf(body)
      this.#ref.name ??= name
      this.#ref.namespace ??= namespace
      this.#ref.uid ??= uid
      this.#ref.resourceVersion ??= resourceVersion
    }
    this.sent(body)
  }

  /** What was sent that is no object: a change, options. */
  sent(body: unknown): void {
    if (this.#requestObject === undefined && this.holds('Request')) this.#requestObject = this.#textOf(body)
  }

  /** What is answered: an object, or its JSON. Called before the answer starts. */
  answers(code: number, body: Buffer | object): void {
    if (this.#hasStarted) return
    this.#status = statusOf(code, body)
    if (this.holds('RequestResponse')) this.#responseObject = this.#textOf(body)
  }

  /** What is answered is never in memory as a whole, so it is not kept. */
  answersAtLength(): void {
    if (this.holds('RequestResponse')) this.#isTruncated = true
  }

  /** The answer starts. */
  starts(code: number): void {
    if (this.#hasStarted || this.#isOver) return
    this.#hasStarted = true
    this.#status ??= { metadata: {}, code }
    if (this.#parts.isLongRunning) this.#write('ResponseStarted')
  }

  /** Something failed in a way that nobody foresaw. */
  panics(message: string): void {
    this.#hasPanicked = true
    this.#status = { metadata: {}, status: 'Failure', message: `APIServer panic'd: ${message}`, reason: 'InternalError', code: 500 }
  }

  /** Resolves with whether it was written down, where somebody waits for that. */
  received(): Promise<boolean> | undefined {
    return this.#write('RequestReceived')
  }

  /** Nobody was authenticated: this is the only event, as upstream's. */
  refused(message: string): void {
    this.#isOver = true
    this.#status = { metadata: {}, message, code: 401 }
    this.#write('ResponseStarted')
  }

  /** The request is over. */
  completes(): void {
    if (this.#isOver) return
    if (this.#status === undefined) this.#status = CLOSED_EARLY
    if (this.#parts.isLongRunning) this.starts(CLOSED_EARLY.code)
    this.#isOver = true
    this.#write(this.#hasPanicked ? 'Panic' : 'ResponseComplete')
  }

  #write(stage: AuditStage): Promise<boolean> | undefined {
    const { decision, facts, sink, now, limit } = this.#parts
    if (decision.omitStages.has(stage)) return undefined
    const text = eventText(facts, {
      ...{ stage, now: now(), limit, isTruncated: this.#isTruncated, impersonatedUser: this.#impersonated, objectRef: this.#ref },
      ...{ responseStatus: this.#status, annotations: this.#annotations },
      ...{ requestObject: this.#requestObject, responseObject: this.#responseObject },
    })
    return sink.write(text)
  }

  /** JSON of one line; undefined for what is too large for an event, which then says so. */
  #textOf(body: unknown): string | undefined {
    const { limit, decision } = this.#parts
    if (Buffer.isBuffer(body)) {
      if (body.length <= limit) {
        const text = body.toString().trimEnd()
        return decision.omitManagedFields ? this.#textOf(readExactJson(text)) : text
      }
    } else {
      const text = writeExactJson(decision.omitManagedFields ? withoutManagedFields(body) : body)
      if (text === undefined || text.length <= limit) return text
    }
    this.#isTruncated = true
    return undefined
  }
}
