import { isTrue } from '../shared/objects/conditions.ts'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'

/** A pod, or a node, says that it is ready. */
export function isReady({ status }: { readonly status: Pick<Pod['status'] | Node['status'], 'conditions'> }): boolean {
  return isTrue(status.conditions, 'Ready')
}

/** Its containers have ended for good. */
export function hasEnded({ status }: Pick<Pod, 'status'>): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}
