import type { SuccessPolicy } from '../../shared/openapi/generated/batch-v1.ts'
import { IndexSet } from '../jobs/index-set.ts'

/** The place of the first rule that the succeeded indexes satisfy, if any. Pure. */
export function satisfiedRule({ rules }: SuccessPolicy, completions: number, succeeded: IndexSet): number | undefined {
  if (succeeded.size === 0) return undefined
  const place = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount
    const wanted = IndexSet.parse(succeededIndexes, completions)
    const reached = wanted.overlap(succeeded)
    return wanted.size > 0 && (reached === wanted.size || (succeededCount !== undefined && reached >= succeededCount))
  })
  return place < 0 ? undefined : place
}
