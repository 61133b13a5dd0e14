import { isTrue } from '../../shared/objects/conditions.ts'
import type { Job, JobSpec } from '../../shared/openapi/generated/batch-v1.ts'

const OURSELVES = 'kubernetes.io/job-controller'

/** Complete or Failed: nothing more will happen. */
export function isFinished({ status }: Job): boolean {
  return isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed')
}

/** Somebody else looks after it: not even its pods' finalizers are ours. */
export function isManagedElsewhere({ spec: { managedBy } }: Job): boolean {
  return managedBy !== undefined && managedBy !== OURSELVES
}

export function isIndexed({ completionMode }: JobSpec): boolean {
  return completionMode === 'Indexed'
}

/** A pod is replaced when it has failed, not already while it is going. */
export function replacesOnlyFailed({ podReplacementPolicy, podFailurePolicy }: JobSpec): boolean {
  return podReplacementPolicy === 'Failed' || podFailurePolicy !== undefined
}
