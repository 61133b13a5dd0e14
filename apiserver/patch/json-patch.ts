import { StatusError } from '../../shared/errors/status-error.ts'
import { cloneJson, equalJson, isObject, type JsonObject, own, setOwn } from './json-value.ts'

const OPERATION_LIMIT = 10_000
/** Copies may add this much, in characters of JSON: without a bound a short patch could double a value again and again. */
const COPY_LIMIT = 3 * 1024 * 1024

interface Operation {
  readonly op: string
  readonly path: string
  readonly from: string
  readonly value: unknown
}

/**
 * JSON patch (RFC 6902). Neither argument is changed, nothing is shared.
 * @throws StatusError BadRequest for what is no patch, Invalid where an operation does not apply, RequestEntityTooLarge
 */
export function jsonPatch(current: unknown, patch: unknown): unknown {
  const operations = operationsOf(patch)
  const root: { document: unknown } = { document: cloneJson(current) }
  let copied = 0
  for (const operation of operations) {
    if (operation.op === 'copy') {
      copied += JSON.stringify(read(root.document, operation.from, operation) ?? null).length
      if (copied > COPY_LIMIT)
        throw new StatusError('RequestEntityTooLarge', `Unable to copy more than ${COPY_LIMIT} bytes by a JSON patch`)
    }
    root.document = apply(root.document, operation)
  }
  return root.document
}

function operationsOf(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw new StatusError('BadRequest', 'error decoding patch: a JSON patch is a list of operations')
  if (patch.length > OPERATION_LIMIT) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${OPERATION_LIMIT}, got ${patch.length}`,
    )
  }
  return patch.map((item): Operation => {
    if (!isObject(item)) throw new StatusError('BadRequest', 'error decoding patch: an operation of a JSON patch is an object')
    const { op, path, from } = item
    if (typeof op !== 'string' || !known.has(op))
      throw new StatusError('BadRequest', `error decoding patch: unexpected kind: ${JSON.stringify(op)}`)
    if (typeof path !== 'string') throw new StatusError('BadRequest', `error decoding patch: operation ${op} lacks a path`)
    if (needsFrom.has(op) && typeof from !== 'string')
      throw new StatusError('BadRequest', `error decoding patch: operation ${op} lacks from`)
    if (needsValue.has(op) && !Object.hasOwn(item, 'value')) {
      throw new StatusError('BadRequest', `error decoding patch: operation ${op} lacks a value`)
    }
    return { op, path, from: typeof from === 'string' ? from : '', value: item['value'] }
  })
}

const known = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])
const needsFrom = new Set(['move', 'copy'])
const needsValue = new Set(['add', 'replace', 'test'])

/** Returns the document, which is a new value where the whole was replaced. */
function apply(document: unknown, operation: Operation): unknown {
  const { op, path, from, value } = operation
  switch (op) {
    case 'add':
      return put(document, path, cloneJson(value), operation)
    case 'replace':
      read(document, path, operation)
      return put(document, path, cloneJson(value), operation, true)
    case 'remove':
      take(document, path, operation)
      return document
    case 'copy':
      return put(document, path, cloneJson(read(document, from, operation)), operation)
    case 'move':
      if (path.startsWith(`${from}/`)) throw inapplicable(operation, 'a value cannot be moved into itself')
      return path === from ? document : put(document, path, take(document, from, operation), operation)
    default:
      if (!equalJson(find(document, path) ?? null, value)) throw inapplicable(operation, `testing value ${path} failed: test failed`)
      return document
  }
}

/** The words of a JSON pointer; undefined for a text that is none. */
function wordsOf(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function child(parent: unknown, word: string): unknown {
  if (Array.isArray(parent)) return isIndex(word) ? parent[Number(word)] : undefined
  return isObject(parent) ? own(parent, word) : undefined
}

function isIndex(word: string): boolean {
  return /^(0|[1-9]\d*)$/.test(word)
}

function find(document: unknown, pointer: string): unknown {
  return wordsOf(pointer)?.reduce<unknown>(child, document)
}

function read(document: unknown, pointer: string, operation: Operation): unknown {
  const value = find(document, pointer)
  if (value === undefined) throw inapplicable(operation, `doc is missing key: ${pointer}: missing value`)
  return value
}

function parentOf(document: unknown, pointer: string, operation: Operation): { parent: unknown[] | JsonObject; last: string } {
  const words = wordsOf(pointer) ?? []
  const parent = words.slice(0, -1).reduce<unknown>(child, document)
  if (words.length === 0 || (!Array.isArray(parent) && !isObject(parent))) {
    throw inapplicable(operation, `doc is missing path: ${JSON.stringify(pointer)}: missing value`)
  }
  return { parent, last: words.at(-1)! }
}

function put(document: unknown, pointer: string, value: unknown, operation: Operation, replaces = false): unknown {
  if (pointer === '') return value
  const { parent, last } = parentOf(document, pointer, operation)
  if (!Array.isArray(parent)) setOwn(parent, last, value)
  else {
    const index = last === '-' ? parent.length : isIndex(last) ? Number(last) : -1
    if (index < 0 || index > parent.length)
      throw inapplicable(operation, `Unable to access invalid index: ${last}: invalid index referenced`)
    parent.splice(index, replaces ? 1 : 0, value)
  }
  return document
}

function take(document: unknown, pointer: string, operation: Operation): unknown {
  const value = read(document, pointer, operation)
  const { parent, last } = parentOf(document, pointer, operation)
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete parent[last]
  return value
}

function inapplicable(operation: Operation, why: string): StatusError {
  const message = `the server rejected our request due to an error in our request: ${operation.op} operation does not apply: ${why}`
  return new StatusError('Invalid', message)
}
