import { CelError, type Value } from '../../../shared/cel/value.ts'
import { writtenJson } from '../../../shared/cel/written-json.ts'
import type { SchemaNode } from '../../../shared/openapi/schema.ts'
import { atomicParts } from '../../ownership/atomic-parts.ts'
import { mergeApplied } from '../../ownership/merge-applied.ts'
import { shapeOf } from '../../ownership/owned-shape.ts'
import { problemsText, statedFields } from '../../ownership/stated-fields.ts'
import { isObject, type JsonObject } from '../../patch/json-value.ts'

/**
 * An object with the configuration that an expression answered laid over it, as server-side apply merges (KEP-3962): items of lists by their keys,
 * what is not spoken of stays, a scalar that is null goes. What would replace a list or an object as a whole is refused: it would take away what
 * the policy does not know of.
 */
export function applyConfiguration(configuration: Value, shown: JsonObject, schema: SchemaNode): { readonly json: unknown } | CelError {
  const written = writtenJson(configuration)
  if (written instanceof CelError) return written
  if (!isObject(written.json)) return new CelError('an apply configuration is an Object')
  const config = { ...written.json, apiVersion: shown['apiVersion'], kind: shown['kind'] }
  const shape = shapeOf(schema)
  const { problems } = statedFields(shape, config)
  if (problems.length > 0) return failed(`failed to convert patch object to typed object: ${problemsText(problems)}`)
  const atomic = atomicParts(shape, config)
  if (atomic.length > 0) {
    return failed(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`)
  }
  return { json: mergeApplied(shape, shown, config) }
}

function failed(why: string): CelError {
  return new CelError(`error applying patch: ${why}`)
}
