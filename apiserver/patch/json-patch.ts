import { applyPatch, type Operation as LibraryOperation } from 'rfc6902'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import { HiddenNames } from './hidden-names.ts'
import { InapplicablePatch } from './inapplicable-patch.ts'
import { type Operation, operationsOf } from './json-patch-operation.ts'
import { isIndex, locate, pointerOf, wordsOf } from './json-pointer.ts'
import { equalJson, isObject } from './json-value.ts'

/**
 * JSON patch (RFC 6902) as upstream's server does it, with its words: `replace` also sets a missing key, and indices may count from the
 * end. The library changes the document; where a pointer leads, and how much a patch may make, is decided here, before it does.
 * Neither argument is changed, nothing is shared.
 * @throws StatusError BadRequest for what is no patch, InapplicablePatch, RequestEntityTooLarge
 */
export function jsonPatch(current: unknown, patch: unknown): unknown {
  const work = new Work(current)
  for (const operation of operationsOf(patch)) work.apply(operation)
  return work.result()
}

/** One patch at work: the document as it stands, and what was spent. */
class Work {
  /** The library cannot replace the root, so the document is a member. */
  readonly #root: { document: unknown }
  readonly #names = new HiddenNames()
  #copied = 0
  #shifted = 0

  constructor(document: unknown) {
    this.#root = { document: this.#names.hide(document) }
  }

  result(): unknown {
    return this.#names.show(this.#root.document)
  }

  apply({ op, path, from, value }: Operation): void {
    switch (op) {
      case 'add':
        return this.#add(path, this.#names.hide(value), {
          missing: `add operation does not apply: doc is missing path: ${JSON.stringify(path)}`,
        })
      case 'replace':
        return this.#replace(path, this.#names.hide(value))
      case 'remove':
        this.#remove(path, { missing: `remove operation does not apply: doc is missing path: ${JSON.stringify(path)}`, verb: 'remove' })
        return
      case 'copy':
        return this.#add(path, this.#copyOf(from), { missing: `copy operation does not apply: doc is missing destination path: ${path}` })
      case 'move':
        return this.#move(from, path)
      case 'test':
        return this.#test(path, this.#names.hide(value))
    }
  }

  #add(path: string, value: unknown, { missing }: { missing: string }): void {
    const place = this.#locate(path)
    if (!place) throw inapplicable(`${missing}: missing value`)
    const { holder, key, words } = place
    requireDepth(words.length, value)
    if (Array.isArray(holder)) {
      if (key !== '-' && !isIndex(key)) throw inapplicable(`error in add for path: '${path}': value was not a proper array index: '${key}'`)
      if (key !== '-' && Number(key) > holder.length) throw inapplicable(`error in add for path: '${path}': ${invalidIndex(key)}`)
      this.#shift(key === '-' ? 0 : holder.length - Number(key))
    }
    this.#do({ op: 'add', path: inRoot(words), value })
  }

  #replace(path: string, value: unknown): void {
    if (path === '') {
      if (typeof value !== 'object' || value === null) throw inapplicable('replace operation value must be object or array')
      requireDepth(0, value)
      return this.#do({ op: 'replace', path: inRoot([]), value })
    }
    const place = this.#locate(path)
    if (!place) throw inapplicable(`replace operation does not apply: doc is missing path: ${path}: missing value`)
    const { holder, words } = place
    if (place.value === undefined && Array.isArray(holder)) {
      throw inapplicable(`replace operation does not apply: doc is missing key: ${path}: missing value`)
    }
    requireDepth(words.length, value)
    this.#do({ op: place.value === undefined ? 'add' : 'replace', path: inRoot(words), value })
  }

  #remove(path: string, { missing, verb }: { missing: string; verb: string }): unknown {
    const place = this.#locate(path)
    if (!place) throw inapplicable(`${missing}: missing value`)
    const { holder, key, value, words } = place
    if (value === undefined) {
      const why = Array.isArray(holder)
        ? invalidIndex(key)
        : `Unable to remove nonexistent key: ${this.#names.showName(key)}: missing value`
      throw inapplicable(`error in ${verb} for path: '${path}': ${why}`)
    }
    if (Array.isArray(holder)) this.#shift(holder.length - Number(key))
    this.#do({ op: 'remove', path: inRoot(words) })
    return value
  }

  /** As the RFC defines it: a removal, then an addition, so that indices in the path count what is left. */
  #move(from: string, path: string): void {
    this.#copyOf(from, 'move')
    const value = this.#remove(from, { missing: `move operation does not apply: doc is missing from path: ${from}`, verb: 'move' })
    this.#add(path, value, { missing: `move operation does not apply: doc is missing destination path: ${path}` })
  }

  #test(path: string, value: unknown): void {
    const place = path === '' ? { value: this.#root.document } : this.#locate(path)
    if (!place) throw inapplicable(`test operation does not apply: is missing path: ${path}: missing value`)
    if (!equalJson(place.value ?? null, value))
      throw new InapplicablePatch(`testing value ${path} failed: test failed`, { isFailedTest: true })
  }

  /** What is to be copied, once it is known that it may be: a short patch could double a value again and again. */
  #copyOf(from: string, verb = 'copy'): unknown {
    const place = from === '' ? { value: this.#root.document } : this.#locate(from)
    if (place?.value === undefined) throw inapplicable(`${verb} operation does not apply: doc is missing from path: ${from}: missing value`)
    this.#copied += writeExactJson(place.value).length
    if (this.#copied > inputLimits.patchCopiedBytes) {
      throw tooLarge(`Unable to complete the ${verb}: a JSON patch may copy and move ${inputLimits.patchCopiedBytes} bytes`)
    }
    return place.value
  }

  /** List elements that make room or close a gap are work too. */
  #shift(elements: number): void {
    this.#shifted += elements
    if (this.#shifted > inputLimits.patchShiftedElements) {
      throw tooLarge(
        `a JSON patch may shift ${inputLimits.patchShiftedElements} list elements: work from the end of the list, or replace it`,
      )
    }
  }

  #locate(pointer: string) {
    const words = wordsOf(pointer)
    return (
      words &&
      locate(
        this.#root.document,
        words.map((word) => this.#names.hideName(word)),
      )
    )
  }

  #do(operation: LibraryOperation): void {
    const [error] = applyPatch(this.#root, [operation])
    if (error) throw inapplicable(error.message, error)
  }
}

const inRoot = (words: readonly string[]) => `/document${pointerOf(words)}`

const invalidIndex = (key: string) => `Unable to access invalid index: ${key}: invalid index referenced`

/** Each operation may nest a little deeper than the one before, until readers of the result run out of stack. */
function requireDepth(above: number, value: unknown): void {
  if (above > inputLimits.depth || isDeeperThan(value, inputLimits.depth - above)) {
    throw tooLarge(`a JSON patch may not nest values deeper than ${inputLimits.depth}`)
  }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const items: unknown[] = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []
  return items.some((item) => isDeeperThan(item, levels - 1))
}

function tooLarge(message: string): StatusError {
  return new StatusError('RequestEntityTooLarge', message)
}

function inapplicable(why: string, cause?: unknown): InapplicablePatch {
  return new InapplicablePatch(why, { cause })
}
