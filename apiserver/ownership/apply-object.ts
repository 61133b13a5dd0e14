import type { KubeObject } from '../../shared/objects/object.ts'
import { type Application, type Applied, applyConfig, ownersBeforeApply } from './apply-config.ts'
import { ConflictingFields } from './apply-conflict.ts'
import { fieldsLastApplied, KUBECTL, keepLastApplied } from './last-applied.ts'
import { shapeOf } from './owned-shape.ts'
import { readOwners, writeOwners } from './owner.ts'

/**
 * `applyConfig` to an object as it is stored, with the managed fields it has. kubectl's own applier takes over what it applied before in the old way
 * without a conflict.
 * @param live in the version applied, frozen or not; it is not changed
 * @returns the next state in that version, with its managed fields; decoded, not defaulted
 * @throws StatusError BadRequest, ConflictingFields
 */
export function applyObject(live: KubeObject, application: Application): KubeObject {
  const { managedFields, ...metadata } = live.metadata
  const bare: KubeObject = { ...live, metadata }
  const known = (managedFields && readOwners(managedFields)) ?? []
  const owners = known.length > 0 ? known : ownersBeforeApply(bare, application)
  const apply = (force: boolean): Applied => applyConfig(bare, owners, force ? { ...application, force } : application)
  let applied: Applied
  try {
    applied = apply(false)
  } catch (error) {
    if (!(error instanceof ConflictingFields) || application.manager !== KUBECTL) throw error
    const mine = fieldsLastApplied(bare, shapeOf(application.served.schema))
    const left = error.conflicts
      .map(({ owner, fields }) => ({ owner, fields: fields.difference(mine) }))
      .filter(({ fields }) => !fields.isEmpty)
    if (left.length > 0) throw new ConflictingFields(left)
    applied = apply(true)
  }
  const { object } = applied
  if (application.manager === KUBECTL) keepLastApplied(object, application.config)
  object.metadata.managedFields = writeOwners(applied.owners)
  return object
}
