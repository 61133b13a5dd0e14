import { traversal } from '../../../shared/cel/meter.ts'
import type { MutationProgram } from '../../../shared/cel/mutation-programs.ts'
import { CelError, type Value } from '../../../shared/cel/value.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'
import { readExactJson, writeExactJson } from '../../../shared/text/exact-json.ts'
import { parseJson } from '../../http/body.ts'
import { jsonShape } from '../../http/json-scan.ts'
import type { JsonObject } from '../../patch/json-value.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { spokenOf } from '../webhooks/invocation.ts'
import { schemaShown, shownAs, takeBack } from '../webhooks/shown-object.ts'
import { applyConfiguration } from './apply-configuration.ts'
import { applyOperations } from './apply-operations.ts'
import type { Spending } from './evaluate.ts'
import type { RequestTools } from './request-values.ts'

/** What reading, copying, decoding and writing one value of an object costs, beside its characters: about 2 µs. */
const VALUE_COST = 5

export interface Mutating {
  readonly mutation: MutationProgram
  /** What its expression may speak of. */
  readonly given: ReadonlyMap<string, Value>
  readonly spending: Spending
  /** The version in which the policy sees the object. */
  readonly target: Resource
}

/**
 * Carries out one mutation on the object of a request; an error where that cannot be done, and the object is as it was. Reading and writing the
 * object are charged too, so that a policy of many mutations keeps the server no longer than its budget lasts.
 */
export async function mutateObject(
  { mutation, given, spending, target }: Mutating,
  request: AdmissionRequest,
  { table }: RequestTools,
): Promise<'changed' | 'unchanged' | CelError> {
  const versions = { spoken: spokenOf(request, table), target }
  const value = spending.evaluate(mutation, given)
  if (value instanceof CelError) return new CelError(`expression '${mutation.source.trim()}' resulted in error: ${value.message}`)
  const text = writeExactJson(await shownAs(request, versions, request.object))
  const shown = readExactJson(text) as JsonObject
  const schema = schemaShown(request, target)
  if (!schema && !mutation.isJsonPatch) return new CelError(`error applying patch: ${target.kind} has no schema`)
  const applied = mutation.isJsonPatch ? applyOperations(value, shown) : applyConfiguration(value, shown, schema!)
  if (applied instanceof CelError) return applied
  const made = writeExactJson(applied.json)
  spending.charge(traversal(text.length + made.length) + jsonShape(made).values * VALUE_COST)
  if (made === text) return 'unchanged'
  if (made.length > inputLimits.bodyBytes)
    return new CelError(`the object would have more than ${inputLimits.bodyBytes} characters as JSON`)
  try {
    await takeBack(
      request,
      versions,
      parseJson(Buffer.from(made), target.kind, target.custom !== undefined).value,
      mutation.isJsonPatch ? 'Strict' : 'Ignore',
    )
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    return new CelError(error.message)
  }
  return 'changed'
}
