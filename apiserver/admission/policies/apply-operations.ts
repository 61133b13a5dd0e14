import { CelError, type Value } from '../../../shared/cel/value.ts'
import { writtenJson } from '../../../shared/cel/written-json.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import { InapplicablePatch } from '../../patch/inapplicable-patch.ts'
import { jsonPatch } from '../../patch/json-patch.ts'
import type { JsonObject } from '../../patch/json-value.ts'

/**
 * An object with the operations that an expression answered carried out (RFC 6902), within the bounds of a client's JSON patch. A `test` that
 * fails is no error: the object stays as it is.
 */
export function applyOperations(operations: Value, shown: JsonObject): { readonly json: unknown } | CelError {
  const written = writtenJson(operations)
  if (written instanceof CelError) return written
  try {
    return { json: jsonPatch(shown, written.json) }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    if (error instanceof InapplicablePatch && error.isFailedTest) return { json: shown }
    return new CelError(`JSON Patch: ${error instanceof InapplicablePatch ? error.why : error.message}`)
  }
}
