import { dyn, type ObjectType, objectType, stringType } from './type.ts'

const ROOT = 'Object'

/** What an apply configuration is: `Object{spec: Object.spec{…}}`. Parts are named after the path of the fields that lead to them. */
export const configurationType: ObjectType = partType(ROOT)

/** One operation of a JSON patch (RFC 6902). */
export const jsonPatchType: ObjectType = objectType('JSONPatch', { op: stringType, path: stringType, from: stringType, value: dyn })

/**
 * The objects that expressions of mutations may make, by name. Parts of `Object` have fields of any name and type: policies are compiled before
 * it is known which kinds they meet, so what does not fit a kind shows when it is applied.
 */
export function patchObjects(name: string): ObjectType | undefined {
  if (name === jsonPatchType.name) return jsonPatchType
  return name === ROOT || name.startsWith(`${ROOT}.`) ? partType(name) : undefined
}

function partType(name: string): ObjectType {
  return { kind: 'object', name, field: (field) => ({ name: field, type: dyn }) }
}
