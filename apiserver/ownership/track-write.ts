/**
 * Who owns what after a write that is not an apply (KEP-555): the writer owns what it set to something else than was there, nobody owns what is
 * gone. Runs on the object as the client said it, defaults filled in, before admission changes it, as upstream.
 */
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { ManagedFieldsEntry } from '../../shared/openapi/generated/meta-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { Resource } from '../registry/resource-table.ts'
import { sameValue } from '../registry/same-value.ts'
import { asServed } from '../registry/versions.ts'
import { capUpdates } from './cap-updates.ts'
import { type Comparison, compareFields } from './compare-fields.ts'
import { createdFields } from './created-fields.ts'
import { emptyOf } from './empty-object.ts'
import { FieldSet, fieldSetOf } from './field-set.ts'
import { shapeOf } from './owned-shape.ts'
import { isSameOwner, type Owner, readOwners, writeOwners } from './owner.ts'
import { fieldsText, packedFields } from './packed-fields.ts'
import { strippedPaths } from './stripped-fields.ts'

/** Who writes, in which version of the kind. */
export interface Author {
  readonly manager: string
  readonly served: Resource
  /** The object comes with its owners, which are not to be touched. */
  readonly applies?: boolean
}

/** A write as ownership sees it. */
export interface TrackedWrite {
  readonly author: Author
  readonly subresource: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The kind in another version in which an owner may have spoken; undefined: it is not served any more. */
  readonly inVersion: (apiVersion: string) => Resource | undefined
}

const stripped = fieldSetOf(strippedPaths)
const status = fieldSetOf([['f:status']])
const STATUS: readonly string[] = ['status']
const NONE: readonly string[] = []

/** Sets the managed fields of a new object, in place. What the client said of them counts where it can be read (a copy of another object's). */
export function trackCreate(object: KubeObject, { author: { manager, served, applies }, now, subresource }: TrackedWrite): void {
  if (applies) return
  const said = object.metadata.managedFields
  const before = said && !isReset(said) ? ownersSaid(said) : undefined
  const text = createdFields(shapeOf(served.schema), asServed(served, object), emptyOf(served), served.hasStatus ? STATUS : NONE)
  const own: Owner = {
    manager,
    operation: 'Update',
    apiVersion: served.apiVersion,
    subresource,
    time: timestamp(now),
    fields: FieldSet.empty,
  }
  if (before && before.length > 0) {
    const compared = compareFields(shapeOf(served.schema), emptyOf(served), asServed(served, object))
    const all = { ...compared, added: compared.added.differenceBelow(status), modified: compared.modified.differenceBelow(status) }
    object.metadata.managedFields = writeOwners(afterUpdate(before, own, all, () => all))
    return
  }
  const { fields: _, ...entry } = own
  object.metadata.managedFields = text ? [entryOf(entry, text)] : undefined
}

/** Sets the managed fields of the next state, in place. */
export function trackUpdate(previous: KubeObject, next: KubeObject, write: TrackedWrite): void {
  const { author, subresource, now, inVersion } = write
  if (author.applies) return
  const before = ownersBefore(previous, next, subresource !== '')
  next.metadata.managedFields = before.entries
  // As upstream: an object on which nobody was tracked is not tracked until somebody applies it.
  if (!before.entries?.length) return
  const { served } = author
  // Texts into which a version puts what it has no fields for may differ where nothing does.
  if (served.further && sameValue(previous, next)) return
  const compare = (resource: Resource) => compareFields(shapeOf(resource.schema), asServed(resource, previous), asServed(resource, next))
  const own = compare(served)
  const isUntouched = own.added.difference(stripped).isEmpty && own.modified.difference(stripped).isEmpty && own.removed.isEmpty
  if (isUntouched) return
  const owners = before.owners ?? readOwners(before.entries) ?? []
  const writer: Owner = {
    ...{ manager: author.manager, operation: 'Update', apiVersion: served.apiVersion, subresource, time: timestamp(now) },
    fields: FieldSet.empty,
  }
  const comparisons = new Map<string, Comparison | undefined>([[served.apiVersion, own]])
  const inOther = (apiVersion: string): Comparison | undefined => {
    if (!comparisons.has(apiVersion)) {
      const other = inVersion(apiVersion)
      comparisons.set(apiVersion, other && compare(other))
    }
    return comparisons.get(apiVersion)
  }
  next.metadata.managedFields = writeOwners(afterUpdate(owners, writer, own, inOther))
}

/**
 * The owners after an update. Others lose what was changed or taken away; `writer` (whose fields are not looked at) has what it changed besides
 * what it had.
 * @param comparedIn the comparison in the version of an owner; undefined where the version is gone, and the owner with it
 */
export function afterUpdate(
  owners: readonly Owner[],
  writer: Owner,
  own: Comparison,
  comparedIn: (apiVersion: string) => Comparison | undefined,
): readonly Owner[] {
  const taken = own.added.union(own.modified).difference(stripped)
  const left: Owner[] = []
  let mine: FieldSet = FieldSet.empty
  let mineSince: string | undefined
  for (const owner of owners) {
    const compared = owner.apiVersion === writer.apiVersion ? own : comparedIn(owner.apiVersion)
    if (!compared) continue
    const fields = owner.fields.difference(owner.fields.intersection(compared.added.union(compared.modified))).difference(compared.removed)
    if (isSameOwner(owner, writer)) {
      mine = fields
      mineSince = owner.time
    } else if (!fields.isEmpty) left.push(fields === owner.fields ? owner : { ...owner, fields })
  }
  const fields = mine.union(taken)
  if (!fields.isEmpty) left.push({ ...writer, fields, time: taken.isEmpty ? mineSince : writer.time })
  return capUpdates(left)
}

/** The object, but that its owners did nothing at any time: a write that only makes them newer is none. */
export function withoutTimes(object: KubeObject): KubeObject {
  const { managedFields } = object.metadata
  if (!managedFields) return object
  return { ...object, metadata: { ...object.metadata, managedFields: managedFields.map((entry) => ({ ...entry, time: undefined })) } }
}

interface OwnersBefore {
  readonly entries: ManagedFieldsEntry[] | undefined
  readonly owners?: readonly Owner[]
}

/**
 * From whom an update starts: who the client says they are, if it may and that can be read; a list with one empty entry makes everybody be forgotten.
 * A client that says nothing does not know of them.
 */
function ownersBefore(previous: KubeObject, next: KubeObject, isSubresource: boolean): OwnersBefore {
  const entries = previous.metadata.managedFields
  const said = next.metadata.managedFields
  if (isSubresource || said === undefined || said.length === 0 || said === entries || isAsStored(said, entries)) return { entries }
  if (isReset(said)) return { entries: undefined }
  const owners = ownersSaid(said)
  if (!owners || owners.length === 0) return { entries }
  return { entries: writeOwners(owners.filter(({ fields }) => !fields.isEmpty)), owners }
}

/** What a client says of owners, if that can be read. */
function ownersSaid(said: readonly ManagedFieldsEntry[]): readonly Owner[] | undefined {
  return said.length > inputLimits.owners ? undefined : readOwners(said)
}

function isReset(said: readonly ManagedFieldsEntry[]): boolean {
  if (said.length !== 1) return false
  for (const value of Object.values(said[0]!)) if (value !== undefined && value !== '') return false
  return true
}

/** What nearly every update sends: the entries as it has read them. */
function isAsStored(said: readonly ManagedFieldsEntry[], stored: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (said.length !== stored?.length) return false
  return said.every((entry, index) => {
    const other = stored[index]!
    for (const name of ['manager', 'operation', 'apiVersion', 'subresource', 'time', 'fieldsType'] as const) {
      if (entry[name] !== other[name]) return false
    }
    return textOf(entry) === textOf(other)
  })
}

function textOf({ fieldsV1 }: ManagedFieldsEntry): string | undefined {
  return fieldsV1 && (fieldsText(fieldsV1) ?? JSON.stringify(fieldsV1))
}

function entryOf({ manager, operation, apiVersion, time, subresource }: Omit<Owner, 'fields'>, text: string): ManagedFieldsEntry {
  const entry = { manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: packedFields(text) }
  return subresource ? { ...entry, subresource } : entry
}
