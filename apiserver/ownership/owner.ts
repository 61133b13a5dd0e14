import type { ManagedFieldsEntry } from '../../shared/openapi/generated/meta-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { FieldSet, fieldSetFrom, parseFieldSet } from './field-set.ts'
import { fieldsText, packedFields } from './packed-fields.ts'

/** One entry of `metadata.managedFields`: who owns which fields, in which version of the kind, by what kind of write. */
export interface Owner {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  /** Empty for the object itself. */
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldSet
}

type Identity = Omit<Owner, 'fields' | 'time'>

/** Whether two entries are one owner. Who applies stays the same whatever version they speak. */
export function isSameOwner(a: Identity, b: Identity): boolean {
  if (a.manager !== b.manager || a.operation !== b.operation || a.subresource !== b.subresource) return false
  return a.operation === 'Apply' || a.apiVersion === b.apiVersion
}

/** The same as a key, for lists that a client may make as long as it likes. */
function identityOf({ manager, operation, subresource, apiVersion }: Identity): string {
  return JSON.stringify([manager, operation, subresource, operation === 'Apply' ? '' : apiVersion])
}

/** The owners that entries tell of; undefined for entries that cannot be read, which are as good as none. */
export function readOwners(entries: readonly ManagedFieldsEntry[]): readonly Owner[] | undefined {
  const owners = new Map<string, Owner>()
  for (const { manager = '', operation, apiVersion, time, subresource = '', fieldsType, fieldsV1 } of entries) {
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || fieldsType !== 'FieldsV1') return undefined
    const fields = readFields(fieldsV1)
    if (!fields) return undefined
    const owner = { manager, operation, apiVersion, time, subresource, fields } as const
    owners.set(identityOf(owner), owner)
  }
  return [...owners.values()]
}

/** The entries as an object in memory has them, sorted as upstream does; undefined for none. */
export function writeOwners(owners: readonly Owner[]): ManagedFieldsEntry[] | undefined {
  if (owners.length === 0) return undefined
  const sorted = owners.length > 1 ? byTime(owners) : owners
  return sorted.map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
    ...{ manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: packedFields(fields.text) },
    ...(subresource ? { subresource } : {}),
  }))
}

function readFields(fields: ManagedFieldsEntry['fieldsV1']): FieldSet | undefined {
  if (fields === undefined) return FieldSet.empty
  const text = fieldsText(fields)
  try {
    return text === undefined ? fieldSetFrom(fields) : parseFieldSet(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Each time is read once, not for each comparison. */
function byTime(owners: readonly Owner[]): readonly Owner[] {
  return owners
    .map((owner) => ({ owner, time: timeOf(owner) }))
    .sort(({ owner: a, time }, { owner: b, time: other }) => {
      if (a.operation !== b.operation) return a.operation < b.operation ? -1 : 1
      return (
        time - other ||
        compareTexts(a.manager, b.manager) ||
        compareTexts(a.apiVersion, b.apiVersion) ||
        compareTexts(a.subresource, b.subresource)
      )
    })
    .map(({ owner }) => owner)
}

/** Milliseconds; 0 for an entry without a time. */
export function timeOf({ time }: Owner): number {
  return parseTimestamp(time) ?? 0
}

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
