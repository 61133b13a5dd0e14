import type { Cluster } from '../cluster/cluster.ts'
import { objectPath } from '../cluster/kind.ts'
import type { AnyObject, OwnerReference } from '../cluster/object.ts'
import { Refusal, sentenceOf } from '../cluster/refusal.ts'

/** How far up is looked: Kubernetes' own chains have two steps. */
const MOST_STEPS = 5
const GONE = 'is not there any more'

export interface OwnerChain {
  /** The nearest first. */
  readonly owners: readonly OwnerReference[]
  /** Why it ends before the first cause: its last owner is gone, may not be read, or could not be asked for. */
  readonly why?: string
}

/** The chain of controllers above, as far as it can be read. */
export async function ownerChain(cluster: Pick<Cluster, 'ask' | 'findKind'>, object: AnyObject, signal?: AbortSignal): Promise<OwnerChain> {
  const owners: OwnerReference[] = []
  let next = object
  while (owners.length < MOST_STEPS) {
    const references = next.metadata.ownerReferences ?? []
    const owner = references.find(({ controller }) => controller) ?? references[0]
    if (!owner) break
    owners.push(owner)
    const kind = cluster.findKind(owner.apiVersion, owner.kind)
    if (!kind) break
    const namespace = kind.isNamespaced ? object.metadata.namespace : undefined
    try {
      next = await cluster.ask<AnyObject>(objectPath(kind, namespace, owner.name), signal && { signal })
    } catch (error) {
      return { owners, why: error instanceof Refusal && error.code === 404 ? GONE : sentenceOf(error) }
    }
    // One of the same name that came later is another.
    if (next.metadata.uid !== owner.uid) return { owners, why: GONE }
  }
  return { owners }
}
