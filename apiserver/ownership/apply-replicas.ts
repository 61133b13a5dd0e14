import { fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid, StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { isObject } from '../patch/json-value.ts'
import type { Application } from './apply-config.ts'
import { ConflictingFields } from './apply-conflict.ts'
import { compareFields } from './compare-fields.ts'
import { shapeOf } from './owned-shape.ts'
import { isSameOwner, type Owner, readOwners, writeOwners } from './owner.ts'

/**
 * An apply to the scale sub-resource: its one number stands at some place of the object, and is owned there. Answers the next state of the object, with
 * its managed fields. @throws StatusError BadRequest, Invalid, ConflictingFields
 */
export function applyReplicas(previous: KubeObject, { served, config, manager, subresource, force, now }: Application): KubeObject {
  const scale = served.definition.hooks.scale!
  const replicas = isObject(config['spec']) ? (config['spec']['replicas'] ?? 0) : 0
  if (typeof replicas !== 'number') throw new StatusError('BadRequest', '.spec.replicas: expected numeric (int or float)')
  const name = previous.metadata.name ?? ''
  if (replicas < 0) {
    const problem = fieldProblem.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [problem])
  }
  const shape = shapeOf(served.schema)
  const next = structuredClone(previous)
  const other = structuredClone(previous)
  const current = scale.specReplicas(previous)
  scale.setSpecReplicas(next, replicas)
  scale.setSpecReplicas(other, current + 1)
  const { added, modified } = compareFields(shape, previous, other)
  const place = added.union(modified)
  const self: Owner = { manager, operation: 'Apply', apiVersion: served.apiVersion, subresource, time: timestamp(now), fields: place }
  const others = (readOwners(previous.metadata.managedFields ?? []) ?? []).filter((owner) => !isSameOwner(owner, self))
  if (replicas === current) {
    next.metadata.managedFields = writeOwners([...others, self])
    return next
  }
  const conflicts = others.map((owner) => ({ owner, fields: owner.fields.intersection(place) })).filter(({ fields }) => !fields.isEmpty)
  if (conflicts.length > 0 && !force) throw new ConflictingFields(conflicts)
  const kept = others.map((owner) => ({ ...owner, fields: owner.fields.difference(place) })).filter(({ fields }) => !fields.isEmpty)
  next.metadata.managedFields = writeOwners([...kept, self])
  return next
}
