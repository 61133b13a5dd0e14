import type { KubeObject } from '../../shared/objects/object.ts'
import type { ManagedFieldsEntry } from '../../shared/openapi/generated/meta-v1.ts'
import { isObject } from '../patch/json-value.ts'

/** Whose write made an object what it is, as far as the owners of its fields tell. */
export interface ChangedBy {
  readonly manager: string
  readonly operation: string
  readonly subresource?: string
}

/** The field manager who wrote: whose entry is new, later, or has fields that it had not. Undefined where that is nobody or not one. */
export function changedBy(before: KubeObject | undefined, after: KubeObject): ChangedBy | undefined {
  const known = new Map((before?.metadata.managedFields ?? []).map((entry) => [nameOf(entry), entry]))
  const wrote = (after.metadata.managedFields ?? []).filter((entry) => {
    const old = known.get(nameOf(entry))
    // Whoever loses fields to another did not write.
    return !old || old.time !== entry.time || !isWithin(entry.fieldsV1, old.fieldsV1)
  })
  const [newest, next] = wrote.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1))
  if (!newest || (next && timeOf(next) === timeOf(newest))) return undefined
  const { manager = '', operation = '', subresource } = newest
  return { manager, operation, ...(subresource ? { subresource } : {}) }
}

const nameOf = ({ manager, operation, subresource, apiVersion }: ManagedFieldsEntry) =>
  JSON.stringify([manager, operation, subresource, apiVersion])
const timeOf = ({ time = '' }: ManagedFieldsEntry) => time

/** Whether every field of one set is in the other. */
function isWithin(set: unknown, other: unknown): boolean {
  if (!isObject(set)) return true
  return isObject(other) && Object.entries(set).every(([field, inner]) => Object.hasOwn(other, field) && isWithin(inner, other[field]))
}
