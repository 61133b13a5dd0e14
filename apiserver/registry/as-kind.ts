import type { ApiVersion, KindOf, ObjectOf } from '../../shared/client/client.ts'
import type { KubeObject } from '../../shared/objects/object.ts'

/** The object as its own type when it is of the kind, else undefined: the one place where a rule trusts decoding. */
export function asKind<V extends ApiVersion, K extends KindOf<V>>(object: KubeObject | undefined, v: V, k: K): ObjectOf<V, K> | undefined {
  return object?.apiVersion === v && object.kind === k ? (object as ObjectOf<V, K>) : undefined
}
