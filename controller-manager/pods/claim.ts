import type { ApiVersion, Client, KindOf } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'
import type { LabelSelector } from '../../shared/selectors/label-selector.ts'

/** The owner that manages the object, if any (`controller: true`). */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller)
}

/** A reference by which `owner` manages what it creates or adopts. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** How an informer files objects for claiming: by the uid that controls them, or as an orphan of their namespace. */
export function ownerLookup(object: KubeObject): string {
  return controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace ?? '')
}

/** The lookup value under which a namespace's orphans are filed. */
export function orphansOf(namespace: string): string {
  return `orphans of ${namespace}`
}

export interface ClaimTools<V extends ApiVersion, K extends KindOf<V>> {
  client: Client
  kind: readonly [V, K]
  /** The owner as the server has it now; adoption by an owner that is going or was replaced would be wrong. */
  freshOwner: () => Promise<KubeObject>
  /** Comes and goes with the reference. */
  finalizer?: string | undefined
  signal: AbortSignal
}

/**
 * Sorts out whose an object is: keeps owned ones that match the selector, lets go of those that do not, adopts
 * matching orphans. Answers the ones that belong to the owner. Two owners never hold one object: the reference is
 * written under the object's uid and resourceVersion.
 */
export async function claim<V extends ApiVersion, K extends KindOf<V>, T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  candidates: readonly T[],
  tools: ClaimTools<V, K>,
): Promise<T[]> {
  const mine: T[] = []
  for (const candidate of candidates) {
    const manager = controllerOf(candidate)
    const matches = selector.matches(candidate.metadata.labels)
    if (manager) {
      if (manager.uid !== owner.metadata.uid) continue
      if (matches) mine.push(candidate)
      else if (owner.metadata.deletionTimestamp === undefined) await letGo(owner, candidate, tools)
    } else if (matches && owner.metadata.deletionTimestamp === undefined && candidate.metadata.deletionTimestamp === undefined) {
      if (await adopt(owner, candidate, tools)) mine.push(candidate)
    }
  }
  return mine
}

async function adopt<V extends ApiVersion, K extends KindOf<V>>(
  owner: KubeObject,
  orphan: KubeObject,
  tools: ClaimTools<V, K>,
): Promise<boolean> {
  const fresh = await tools.freshOwner()
  if (fresh.metadata.uid !== owner.metadata.uid || fresh.metadata.deletionTimestamp !== undefined) return false
  const ownerReferences = [...(orphan.metadata.ownerReferences ?? []), controllerReference(owner)]
  const finalizers = [...new Set([...(orphan.metadata.finalizers ?? []), tools.finalizer ?? ''])].filter((each) => each !== '')
  return patchReferences(orphan, { ownerReferences, finalizers }, tools)
}

async function letGo<V extends ApiVersion, K extends KindOf<V>>(
  owner: KubeObject,
  object: KubeObject,
  tools: ClaimTools<V, K>,
): Promise<void> {
  const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid)
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== tools.finalizer)
  try {
    await patchReferences(object, { ownerReferences, finalizers }, tools)
  } catch (error) {
    // It changed meanwhile, and is looked at again when the cache shows it.
    if (!hasReason(error, 'Conflict')) throw error
  }
}

/**
 * Answers whether it is done: what is gone meanwhile cannot be claimed.
 * @throws StatusError Conflict for what changed meanwhile: taken for gone, it would be replaced
 */
async function patchReferences<V extends ApiVersion, K extends KindOf<V>>(
  object: KubeObject,
  { ownerReferences, finalizers }: { ownerReferences: OwnerReference[]; finalizers: string[] },
  { client, kind: [apiVersion, kind], finalizer, signal }: ClaimTools<V, K>,
): Promise<boolean> {
  const { namespace, name = '', uid, resourceVersion } = object.metadata
  const body = { metadata: { uid, resourceVersion, ownerReferences, ...(finalizer === undefined ? {} : { finalizers }) } }
  try {
    await client.patch(apiVersion, kind, { namespace, name }, { type: 'merge', body }, { signal })
    return true
  } catch (error) {
    if (hasReason(error, 'NotFound') || hasReason(error, 'Invalid')) return false
    throw error
  }
}
