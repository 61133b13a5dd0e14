import { shortened } from '../../../shared/errors/quoted.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
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
export function mutationRefusal(request: AdmissionRequest, failures: readonly [FailedMutation, ...FailedMutation[]]): StatusError {
  const [first] = failures
  const causes = failures.map((failure) => ({ message: shortened(told(failure)) }))
  return new StatusError(first.reason, told(first), { code: 403, details: { ...refusal(request, '').details, causes } })
}

function told({ policy, binding, message }: FailedMutation): string {
  return `policy '${policy}' with binding '${binding}' denied request: ${message}`
}
