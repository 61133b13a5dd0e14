import type { ObjectMeta } from '../openapi/generated/meta-v1.ts'

/** Any API object: what generic machinery may rely on. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** Names one object of a kind; `namespace` is absent for cluster-scoped kinds. */
export interface ObjectName {
  namespace?: string | undefined
  name: string
}

/** Cache and queue key: `namespace/name`, or `name` for cluster-scoped objects (the convention of client-go). */
export function objectKey(object: { metadata: { namespace?: string | undefined; name?: string | undefined } }): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : `${name}`
}

/** The reverse of `objectKey`. */
export function parseObjectKey(key: string): ObjectName {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** Freezes a JSON value all the way down and returns it. Cached objects are frozen so that nobody edits what others read. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}
