import { inputLimits } from '../../../shared/limits/input-limits.ts'
import { type DecodeState, decoderOf } from '../../../shared/openapi/schema-decoder.ts'
import { pathText } from '../../../shared/openapi/schema-scalars.ts'
import type { Shape } from './shape.ts'

type JsonObject = Record<string, unknown>

/** What every resource has beside what its schema says. */
const TYPE_FIELDS = new Set(['apiVersion', 'kind', 'metadata'])
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/**
 * Drops what a structural schema does not specify, in place, and brings the metadata of the resource, and of those embedded in it, into form.
 * Paths of what was dropped go to `state.unknown`. @throws TypeMismatch for metadata that is none
 */
export function pruneResource(object: JsonObject, shape: Shape, state: DecodeState): void {
  prune(object, shape, state, true)
}

/** The same for a value inside a resource. */
export function pruneValue(value: unknown, shape: Shape): void {
  prune(value, shape, { path: [], unknown: undefined }, shape.isEmbedded)
}

function prune(value: unknown, shape: Shape | undefined, state: DecodeState, isResource: boolean): void {
  if (Array.isArray(value)) return pruneItems(value, shape, state)
  if (typeof value !== 'object' || value === null) return
  const given = value as JsonObject
  const depth = state.path.length
  state.path.push('')
  for (const key of Object.keys(given)) {
    state.path[depth] = key
    if (isResource && TYPE_FIELDS.has(key)) {
      if (key === 'metadata') given[key] = metadataOf(given[key], state)
      continue
    }
    const own = shape?.properties.get(key) ?? (shape?.values === 'any' ? undefined : shape?.values)
    if (own) prune(given[key], own, state, own.isEmbedded)
    else if (shape?.values === 'any') prune(given[key], undefined, state, false)
    else if (!shape?.isOpen) {
      if (state.unknown && state.unknown.length <= inputLimits.problems) state.unknown.push(pathText(state.path))
      delete given[key]
    }
  }
  state.path.pop()
}

function pruneItems(items: readonly unknown[], shape: Shape | undefined, state: DecodeState): void {
  // What an open place holds is nobody's to judge.
  if (shape?.isOpen && !shape.items) return
  const depth = state.path.length
  state.path.push('')
  for (const [index, item] of items.entries()) {
    state.path[depth] = `[${index}]`
    prune(item, shape?.items, state, shape?.items?.isEmbedded ?? false)
  }
  state.path.pop()
}

function metadataOf(value: unknown, state: DecodeState): unknown {
  if (value === null || value === undefined) return {}
  return decoderOf(OBJECT_META)!(asObject(value), state)
}

/** The decoder of a struct looks for fields; a text or list has none, and validation says what it is. */
function asObject(value: unknown): unknown {
  return typeof value === 'object' && !Array.isArray(value) ? value : {}
}
