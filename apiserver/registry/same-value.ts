import type { KubeObject } from '../../shared/objects/object.ts'
import { own } from '../../shared/objects/own.ts'

/** Deep equality of JSON values; a missing field and an undefined one are the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    for (let index = 0; index < a.length; index++) if (!sameValue(a[index], b[index])) return false
    return true
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key in left) if (!sameValue(left[key], own(right, key))) return false
  for (const key in right) if (right[key] !== undefined && own(left, key) === undefined) return false
  return true
}

/** Everything but metadata and status is equal: what `metadata.generation` counts. Without `hasStatus`, a field of that name is like the others. */
export function sameSpec(a: KubeObject, b: KubeObject, hasStatus = true): boolean {
  const ignored = hasStatus ? { metadata: undefined, status: undefined } : { metadata: undefined }
  return sameValue({ ...a, ...ignored }, { ...b, ...ignored })
}
