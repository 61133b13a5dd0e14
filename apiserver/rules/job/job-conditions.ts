import { isTrue } from '../../../shared/objects/conditions.ts'
import type { JobStatus } from '../../../shared/openapi/generated/batch-v1.ts'

/** The condition of this type is True. */
export function hasCondition({ conditions }: JobStatus, type: string): boolean {
  return isTrue(conditions, type)
}

/** Complete or Failed: nothing more will happen. */
export function isFinished(status: JobStatus): boolean {
  return hasCondition(status, 'Complete') || hasCondition(status, 'Failed')
}
