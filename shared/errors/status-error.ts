import { inputLimits } from '../limits/input-limits.ts'
import { type FieldProblem, firstProblems } from './field-error.ts'
import { quoted, shortened } from './quoted.ts'
import { type Reason, reasonCodes } from './reasons.ts'

/** What a Status says beyond its message (meta/v1 StatusDetails). */
export interface StatusDetails {
  name?: string | undefined
  group?: string | undefined
  kind?: string | undefined
  uid?: string | undefined
  causes?: { reason?: string | undefined; message?: string | undefined; field?: string | undefined }[] | undefined
  retryAfterSeconds?: number | undefined
}

/** A failure as the API spells it (meta/v1 Status). */
export interface FailureStatus {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { continue?: string | undefined }
  status: 'Failure'
  message: string
  reason?: string | undefined
  details?: StatusDetails | undefined
  code: number
}

interface StatusErrorOptions {
  details?: StatusDetails | undefined
  cause?: unknown
  /** Overrides the code of the reason's row, for what a peer answered. */
  code?: number | undefined
  /** A token from which an expired list may go on (410 only). */
  continue?: string | undefined
}

/** The one API error: thrown in the server, rebuilt in the client from the Status that was answered. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly reason: Reason | 'Unknown'
  readonly code: number
  readonly details: StatusDetails | undefined
  readonly #continue: string | undefined

  constructor(reason: Reason | 'Unknown', message: string, options: StatusErrorOptions = {}) {
    super(shortened(message, inputLimits.messageCharacters), { cause: options.cause })
    this.reason = reason
    this.code = options.code ?? (reason === 'Unknown' ? 500 : reasonCodes[reason])
    this.details = options.details
    this.#continue = options.continue
  }

  /** The body to answer with. */
  toStatus(): FailureStatus {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.#continue ? { continue: this.#continue } : {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === 'Unknown' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }

  /** Rebuilds the error from an answer; anything that is not a Status becomes an error of that code. */
  static fromResponse(code: number, body: unknown): StatusError {
    if (isStatus(body)) {
      const reason = body.reason && Object.hasOwn(reasonCodes, body.reason) ? (body.reason as Reason) : 'Unknown'
      return new StatusError(reason, body.message ?? `the server answered ${code}`, {
        code: body.code ?? code,
        details: body.details,
        continue: body.metadata?.continue,
      })
    }
    const text = typeof body === 'string' && body.trim() !== '' ? body.trim().slice(0, 200) : 'no Status in the answer'
    return new StatusError(reasonOfCode(code), `the server answered ${code}: ${text}`, { code })
  }
}

/** Narrows an unknown failure to one reason. */
export function hasReason(error: unknown, reason: Reason): error is StatusError {
  return error instanceof StatusError && error.reason === reason
}

/** `pods "x" not found`, with details. */
export function notFound(resource: { group: string; resource: string }, name: string): StatusError {
  return new StatusError('NotFound', `${qualified(resource)} ${quoted(name)} not found`, {
    details: { name: shortened(name), group: resource.group || undefined, kind: resource.resource },
  })
}

/** `pods "x" already exists`, with details. */
export function alreadyExists(resource: { group: string; resource: string }, name: string): StatusError {
  return new StatusError('AlreadyExists', `${qualified(resource)} ${JSON.stringify(name)} already exists`, {
    details: { name, group: resource.group || undefined, kind: resource.resource },
  })
}

/** A lost race on resourceVersion or a failed precondition. */
export function conflict(resource: { group: string; resource: string }, name: string, why: string): StatusError {
  return new StatusError('Conflict', `Operation cannot be fulfilled on ${qualified(resource)} ${JSON.stringify(name)}: ${why}`, {
    details: { name, group: resource.group || undefined, kind: resource.resource },
  })
}

/**
 * Many wrong fields as one answer: `Deployment.apps "x" is invalid: [...]`, one cause a field. Rules are asked for problems only as far as
 * they are told.
 */
export function invalid(kind: { group: string; kind: string }, name: string, found: Iterable<FieldProblem>): StatusError {
  const problems = firstProblems(found)
  const lines = problems.map((problem) => `${problem.path}: ${problem.message}`)
  const what = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  return new StatusError('Invalid', `${what} ${quoted(name)} is invalid: ${text}`, {
    details: {
      name: shortened(name),
      group: kind.group || undefined,
      kind: kind.kind,
      causes: problems.map((problem) => ({ reason: problem.kind, message: problem.message, field: problem.path })),
    },
  })
}

function qualified(resource: { group: string; resource: string }): string {
  return resource.group ? `${resource.resource}.${resource.group}` : resource.resource
}

function reasonOfCode(code: number): Reason | 'Unknown' {
  if (code === 409) return 'Conflict'
  if (code === 410) return 'Gone'
  const found = (Object.keys(reasonCodes) as Reason[]).find((reason) => reasonCodes[reason] === code)
  return found ?? 'Unknown'
}

type AnsweredStatus = { message?: string; reason?: string; code?: number; details?: StatusDetails; metadata?: { continue?: string } }

function isStatus(body: unknown): body is AnsweredStatus {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
}
