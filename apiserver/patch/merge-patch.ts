import { cloneJson, isObject, type JsonObject, own, setOwn } from './json-value.ts'

/** JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces. Neither argument is changed, nothing is shared. */
export function mergePatch(current: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return cloneJson(patch)
  const before: JsonObject = isObject(current) ? current : {}
  const result: JsonObject = {}
  for (const [key, value] of Object.entries(before)) {
    if (!Object.hasOwn(patch, key)) setOwn(result, key, cloneJson(value))
    else if (patch[key] !== null) setOwn(result, key, mergePatch(value, own(patch, key)))
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !Object.hasOwn(before, key)) setOwn(result, key, mergePatch(undefined, value))
  }
  return result
}
