/** What a cheap look at JSON text tells before and after it is parsed. */
export interface JsonShape {
  /** How many object members the text has: its colons outside strings. */
  readonly members: number
  /** How deep it nests. */
  readonly depth: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** Counts members and depth in one pass over the text; meaningful only for text that then parses. */
export function jsonShape(text: string): JsonShape {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case QUOTE:
        index = endOfString(text, index)
        break
      case COLON:
        members++
        break
      case 0x7b:
      case 0x5b:
        if (++depth > deepest) deepest = depth
        break
      case 0x7d:
      case 0x5d:
        depth--
        break
    }
  }
  return { members, depth: deepest }
}

/** How many members the parsed value has; fewer than the text had means that a key came twice. */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item)
    return members
  }
  for (const key in value) members += 1 + countMembers((value as Record<string, unknown>)[key])
  return members
}

/** Paths of keys that an object of the text has more than once, e.g. `spec.ports[0].name`; in the order met. The text must parse. */
export function duplicatePaths(text: string): string[] {
  const found: string[] = []
  let index = 0
  walk('')
  return found

  function skipBlank(): void {
    while (/[\s,:]/.test(text[index] ?? '.')) index++
  }

  function walk(path: string): void {
    skipBlank()
    const start = text[index]
    if (start === '{') walkObject(path)
    else if (start === '[') walkArray(path)
    else if (start === '"') index = endOfString(text, index) + 1
    else while (index < text.length && !/[\s,\]}]/.test(text[index]!)) index++
  }

  function walkObject(path: string): void {
    const seen = new Set<string>()
    index++
    for (skipBlank(); text[index] !== '}'; skipBlank()) {
      const end = endOfString(text, index)
      const key: string = JSON.parse(text.slice(index, end + 1))
      const place = path === '' ? key : `${path}.${key}`
      if (seen.has(key)) found.push(place)
      seen.add(key)
      index = end + 1
      walk(place)
    }
    index++
  }

  function walkArray(path: string): void {
    index++
    let position = 0
    for (skipBlank(); text[index] !== ']'; skipBlank()) walk(`${path}[${position++}]`)
    index++
  }
}

/** The position of the quote that ends the string which starts at `start`. */
function endOfString(text: string, start: number): number {
  let index = start
  for (;;) {
    index = text.indexOf('"', index + 1)
    if (index < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(index - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return index
  }
}
