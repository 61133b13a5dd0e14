import { cloneJson, isObject, type JsonObject, own, setOwn } from './json-value.ts'

/** JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces. Neither argument is changed, nothing is shared. */
export function mergePatch(current: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return cloneJson(patch)
  const result: JsonObject = isObject(current) ? { ...current } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else setOwn(result, key, mergePatch(own(result, key), value))
  }
  return cloneJson(result)
}
