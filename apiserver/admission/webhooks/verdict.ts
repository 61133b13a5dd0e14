import { StatusError } from '../../../shared/errors/status-error.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'
import type { AdmissionResponse } from '../../../shared/openapi/generated/admission-v1.ts'

/** A webhook that could not be asked, or whose answer was none: what its `failurePolicy` is about. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure'
  /** For metrics. */
  readonly code: number

  constructor(webhook: string, why: string, cause: unknown, code = 503) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, { cause })
    this.code = code
  }
}

/** The refusal that a webhook's answer is: its own code, reason and words, as far as they make an error. */
export function denial(webhook: string, status: AdmissionResponse['status']): StatusError {
  const said = status?.message || status?.reason
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const code = status?.code ?? 0
  const { causes, ...details } = status?.details ?? {}
  return StatusError.fromResponse(code >= 400 && code <= 599 ? code : 400, {
    kind: 'Status',
    reason: status?.reason,
    message: said ? `${denied}: ${said}` : `${denied} without explanation`,
    ...(status?.details ? { details: { ...details, ...(causes ? { causes: causes.slice(0, inputLimits.problems) } : {}) } } : {}),
  })
}

/** A failure of this server's making, as upstream words it. */
export function internalError(cause: Error): StatusError {
  return new StatusError('InternalError', `Internal error occurred: ${cause.message}`, {
    cause,
    details: { causes: [{ message: cause.message }] },
  })
}
