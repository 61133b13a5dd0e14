import type { KubeObject } from '../../shared/objects/object.ts'
import type { HookContext } from './define-resource.ts'
import type { Resource } from './resource-table.ts'

/** Which part of the object an update may change: the main half, the status, a view of the kind's own; `internal` is the server itself. */
export type UpdatePart = { readonly kind: 'main' | 'status' | 'internal' } | { readonly kind: 'view'; readonly name: string }

/** Keeps of `next` only what this part of the API may change. */
export function restrictTo(part: UpdatePart, resource: Resource, next: KubeObject, previous: KubeObject, context: HookContext): KubeObject {
  if (part.kind === 'status') {
    const status: unknown = Reflect.get(next, 'status')
    const { metadata, ...rest } = structuredClone(previous)
    for (const field of [...(resource.definition.hooks.statusMetadata ?? []), 'managedFields'] as const)
      Object.assign(metadata, { [field]: next.metadata[field] })
    return { ...rest, metadata, status } as KubeObject
  }
  if (part.kind === 'view') {
    resource.definition.hooks.views![part.name]!.restrict(next, previous, context)
    return next
  }
  if (resource.hasStatus) Object.assign(next, { status: structuredClone(Reflect.get(previous, 'status')) })
  return next
}

/** True when this update takes away the last thing that kept a deleted object. */
export function isFinallyDeleted(resource: Resource, next: KubeObject, previous: KubeObject): boolean {
  if (!previous.metadata.deletionTimestamp) return false
  if ((next.metadata.finalizers?.length ?? 0) > 0 || (previous.metadata.deletionGracePeriodSeconds ?? 0) > 0) return false
  return !resource.definition.hooks.holdsDeletion?.(next)
}
