/**
 * Server-side apply (KEP-555): what an applied configuration makes of an object, and who owns what then. The applier owns what it states; what it
 * stated last time and states no more goes, where nobody else owns it; a field that another owner has with another value is a conflict, or is taken over by force.
 */
import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { cloneJson } from '../patch/json-value.ts'
import type { Resource } from '../registry/resource-table.ts'
import { decodeAs } from '../registry/schema-check.ts'
import { asServed, asStored } from '../registry/versions.ts'
import { ConflictingFields, type FieldConflict } from './apply-conflict.ts'
import { type Comparison, compareFields } from './compare-fields.ts'
import { emptyOf } from './empty-object.ts'
import { FieldSet, fieldSetOf } from './field-set.ts'
import { mergeApplied } from './merge-applied.ts'
import { type Shape, shapeOf } from './owned-shape.ts'
import { isSameOwner, type Owner } from './owner.ts'
import { removeFields } from './remove-fields.ts'
import { problemsText, statedFields, withNamedFields } from './stated-fields.ts'
import { strippedPaths } from './stripped-fields.ts'

/** A configuration that somebody applies. */
export interface Application {
  readonly served: Resource
  /** As it was sent; its type and version have been checked. */
  readonly config: Readonly<Record<string, unknown>>
  readonly manager: string
  readonly subresource: string
  /** Fields that this part of the API cannot set: they are nobody's, whoever states them. */
  readonly reset: FieldSet
  readonly force: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly inVersion: (apiVersion: string) => Resource | undefined
}

/** What comes of it. */
export interface Applied {
  /** The object in the version applied, decoded, not defaulted; managed fields are still to be set. */
  readonly object: KubeObject
  readonly owners: readonly Owner[]
}

const stripped = fieldSetOf(strippedPaths)

/**
 * @param live the object in the version applied; the empty one where there is none yet
 * @param owners who owns what of it
 * @throws StatusError BadRequest for a configuration against the schema, ConflictingFields
 */
export function applyConfig(live: KubeObject, owners: readonly Owner[], application: Application): Applied {
  const { served, config, manager, subresource, reset, force, now } = application
  const shape = shapeOf(served.schema)
  const { fields: stated, problems } = statedFields(shape, config)
  if (problems.length > 0) throw untyped(application, problems)
  const self: Owner = {
    ...{ manager, operation: 'Apply', apiVersion: served.apiVersion, subresource, time: timestamp(now) },
    fields: stated.differenceBelow(reset).difference(stripped),
  }
  const last = owners.find((owner) => isSameOwner(owner, self))
  const others = owners.filter((owner) => owner !== last)
  const merged = mergeApplied(shape, live, config)
  // What the server says of every object stays, whatever goes around it.
  const stays = { ...self, fields: self.fields.union(stripped) }
  const left = last ? pruned(merged, { ...last, fields: last.fields.differenceBelow(reset) }, [...others, stays], application) : merged
  const object = decoded(served, left)
  const own = compareFields(shape, live, object)
  const compared = new Map<string, Comparison | undefined>([[served.apiVersion, own]])
  const conflicts: FieldConflict[] = []
  const kept: Owner[] = []
  for (const owner of others) {
    const { apiVersion } = owner
    if (!compared.has(apiVersion)) compared.set(apiVersion, comparedIn(application.inVersion(apiVersion), served, live, object))
    const comparison = compared.get(apiVersion)
    if (!comparison) continue
    const taken = owner.fields.intersection(comparison.added.union(comparison.modified).differenceBelow(reset))
    if (!taken.isEmpty) conflicts.push({ owner, fields: taken })
    const fields = owner.fields.difference(taken).difference(comparison.removed.differenceBelow(reset))
    if (!fields.isEmpty) kept.push(fields === owner.fields ? owner : { ...owner, fields })
  }
  if (conflicts.length > 0 && !force) throw new ConflictingFields(conflicts)
  // Entries stand in the order of their times: an older owner that applies the same again must not move to the end, which would be a write.
  const isAgain = last?.apiVersion === self.apiVersion && last.fields.text === self.fields.text
  const isSame = isAgain && own.added.isEmpty && own.modified.isEmpty && own.removed.isEmpty
  return { object, owners: self.fields.isEmpty ? kept : [...kept, isSame ? last : self] }
}

/** Takes away what the applier stated last time, unless it states it still, or another owner has it, or nobody had it as such. */
function pruned(merged: unknown, last: Owner, owners: readonly Owner[], { served, inVersion }: Application): unknown {
  const version = inVersion(last.apiVersion)
  if (last.fields.isEmpty || !version) return merged
  const before = converted(merged, served, version)
  const shape = shapeOf(version.schema)
  const stated = withNamedFields(last.fields, shape)
  let left = removeFields(shape, before, stated)
  for (const [apiVersion, fields] of fieldsByVersion(owners, last.apiVersion)) {
    const other = inVersion(apiVersion)
    if (!other) continue
    const otherShape = shapeOf(other.schema)
    const all = converted(before, version, other)
    const present = named(otherShape, converted(left, version, other)).union(withNamedFields(fields, otherShape))
    left = converted(removeFields(otherShape, all, named(otherShape, all).difference(present)), other, version)
  }
  const gone = named(shape, before).difference(named(shape, left)).intersection(stated)
  return converted(removeFields(shape, before, gone), version, served)
}

/** What all owners have together in each version, that of the last apply first. */
function fieldsByVersion(owners: readonly Owner[], first: string): ReadonlyMap<string, FieldSet> {
  const found = new Map<string, FieldSet>([[first, FieldSet.empty]])
  for (const { apiVersion, fields } of owners) found.set(apiVersion, (found.get(apiVersion) ?? FieldSet.empty).union(fields))
  return found
}

function named(shape: Shape, value: unknown): FieldSet {
  return withNamedFields(statedFields(shape, value).fields, shape)
}

function comparedIn(other: Resource | undefined, served: Resource, live: KubeObject, object: KubeObject): Comparison | undefined {
  if (!other) return undefined
  return compareFields(shapeOf(other.schema), converted(live, served, other), converted(object, served, other))
}

/** The object in another version of its kind; the same where it is in that one. */
function converted(value: unknown, from: Resource, to: Resource): unknown {
  if (from.apiVersion === to.apiVersion) return value
  return asServed(to, asStored(from, decoded(from, value)))
}

/** Decoding edits maps in place, and what is merged has parts of the frozen live object. */
function decoded(resource: Resource, value: unknown): KubeObject {
  return decodeAs(resource, cloneJson(value), { fieldValidation: 'Ignore' })
}

/** The owners of an object that was never tracked: what is there was there before anybody applied. */
export function ownersBeforeApply(live: KubeObject, { served, subresource, reset, now }: Application): readonly Owner[] {
  const { added, modified } = compareFields(shapeOf(served.schema), emptyOf(served), live)
  const fields = added.union(modified).differenceBelow(reset).difference(stripped)
  if (fields.isEmpty) return []
  const { apiVersion } = served
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion, subresource, time: timestamp(now), fields }]
}

function untyped({ served, config }: Application, problems: readonly string[]): StatusError {
  const { namespace = '', name = '' } = (config['metadata'] ?? {}) as { namespace?: unknown; name?: unknown }
  const kind = `${served.group}/${served.version}, Kind=${served.kind}`
  return new StatusError('BadRequest', `failed to create typed patch object (${namespace}/${name}; ${kind}): ${problemsText(problems)}`)
}
