import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import { isObject, own } from './json-value.ts'

const NAMES = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const

/** One operation of a JSON patch, its shape checked. */
export interface Operation {
  readonly op: (typeof NAMES)[number]
  readonly path: string
  /** Empty for operations that have none. */
  readonly from: string
  readonly value: unknown
}

/** @throws StatusError BadRequest for what is no patch, RequestEntityTooLarge for too many operations */
export function operationsOf(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw noPatch('a JSON patch is a list of operations')
  const { patchOperations } = inputLimits
  if (patch.length > patchOperations) {
    const message = `The allowed maximum operations in a JSON patch is ${patchOperations}, got ${patch.length}`
    throw new StatusError('RequestEntityTooLarge', message)
  }
  return patch.map(operationOf)
}

function operationOf(item: unknown): Operation {
  if (!isObject(item)) throw noPatch('an operation of a JSON patch is an object')
  const op = NAMES.find((name) => name === own(item, 'op'))
  if (op === undefined) throw noPatch(`unexpected kind: ${writeExactJson(own(item, 'op'))?.slice(0, 100)}`)
  const path = own(item, 'path')
  const from = own(item, 'from')
  if (typeof path !== 'string') throw noPatch(`operation ${op} lacks a path`)
  if ((op === 'move' || op === 'copy') && typeof from !== 'string') throw noPatch(`operation ${op} lacks from`)
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(item, 'value')) throw noPatch(`operation ${op} lacks a value`)
  return { op, path, from: typeof from === 'string' ? from : '', value: own(item, 'value') }
}

function noPatch(why: string): StatusError {
  return new StatusError('BadRequest', `error decoding patch: ${why}`)
}
