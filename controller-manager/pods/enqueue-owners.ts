import type { KubeObject } from '../../shared/objects/object.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { controllerOf } from './claim.ts'

/**
 * What a change of a pod wakes among the owners of one kind: those that control it or did, and of a pod that nobody controls those that may adopt it.
 * @param adopters asked for an orphan only
 */
export function enqueueOwners(
  [current, previous]: readonly [current: Pod | undefined, previous: Pod | undefined],
  kind: string,
  enqueue: (key: string) => void,
  adopters: (orphan: Pod) => Iterable<KubeObject>,
): void {
  for (const pod of [current, previous]) {
    const owner = pod && controllerOf(pod)
    if (owner?.kind === kind) enqueue(`${pod?.metadata.namespace}/${owner.name}`)
  }
  if (!current || controllerOf(current)) return
  for (const owner of adopters(current)) enqueue(objectKey(owner))
}
