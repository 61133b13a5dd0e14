const half = /[\ud800-\udfff]/

/** Characters of a text: the specification counts code points, and most texts have none that take two units. */
export function characterCount(text: string): number {
  if (!half.test(text)) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** The characters from `start` to before `end`. */
export function characterSlice(text: string, start: number, end: number): string {
  return half.test(text) ? [...text].slice(start, end).join('') : text.slice(start, end)
}

/** How many characters are before this unit of the text. */
export function characterIndex(text: string, unit: number): number {
  return unit < 0 ? unit : characterCount(text.slice(0, unit))
}

/** The unit at which this character begins. */
export function unitIndex(text: string, character: number): number {
  return half.test(text) ? characterSlice(text, 0, character).length : character
}
