import { StatusError } from '../../../shared/errors/status-error.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'
import type { AdmissionRequest } from '../admission.ts'
import { refusal } from '../refuse.ts'

/** A mutation that could not be carried out, of a policy that says that this counts. */
export interface FailedMutation {
  readonly policy: string
  readonly binding: string
  readonly message: string
  /** Forbidden where the policy could not be asked at all. */
  readonly reason: 'Invalid' | 'Forbidden'
}

/** The answer to a request that policies could not change: of the first failure, with all of them as causes. Its code is 403 whatever the reason, as upstream's. */
export function mutationRefusal(request: AdmissionRequest, failures: readonly FailedMutation[]): StatusError {
  const causes = failures
    .slice(0, inputLimits.problems)
    .map(({ policy, binding, message }) => ({ message: `policy '${policy}' with binding '${binding}' denied request: ${message}` }))
  const { details } = refusal(request, '')
  const [first] = causes
  return new StatusError(failures[0]!.reason, first!.message, { code: 403, details: { ...details, causes } })
}
