import type { KubeObject } from '../../shared/objects/object.ts'
import { withoutTimes } from '../ownership/track-write.ts'
import { sameValue } from './same-value.ts'

/** Nothing to store: equal bytes, or equal but for the order of fields and the times of field managers (which leave the length as it is). */
export function sameObject(bytes: Buffer, stored: Buffer, next: KubeObject, previous: KubeObject): boolean {
  return bytes.length === stored.length && (bytes.equals(stored) || sameValue(withoutTimes(next), withoutTimes(previous)))
}
