import { isObject, type JsonObject, own } from './json-value.ts'

/** A place in a document: the list or object that holds it, and its key or index there, as text. */
export interface Place {
  readonly holder: unknown[] | JsonObject
  readonly key: string
  /** Undefined when there is nothing. */
  readonly value: unknown
}

/** The words of a JSON pointer (RFC 6901); undefined for a text that is none. */
export function wordsOf(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function pointerOf(words: readonly string[]): string {
  return words.map((word) => `/${word.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/**
 * Walks through what a document itself holds, never through what every object, list or text inherits. The words come back with indices
 * counted from the end (`-1`, upstream's extension) made plain; undefined when the last word has no holder.
 */
export function locate(document: unknown, words: readonly string[]): (Place & { readonly words: readonly string[] }) | undefined {
  const walked: string[] = []
  let value = document
  let holder: unknown
  for (const word of words) {
    holder = value
    const key = Array.isArray(holder) ? indexOf(word, holder.length) : word
    walked.push(key)
    if (Array.isArray(holder)) value = isIndex(key) ? holder[Number(key)] : undefined
    else value = isObject(holder) ? own(holder, key) : undefined
  }
  const key = walked.at(-1)
  return key !== undefined && (Array.isArray(holder) || isObject(holder)) ? { holder, key, value, words: walked } : undefined
}

export function isIndex(word: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(word)
}

function indexOf(word: string, length: number): string {
  return /^-[1-9]\d{0,8}$/.test(word) && length + Number(word) >= 0 ? String(length + Number(word)) : word
}
