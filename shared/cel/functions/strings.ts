import { characterCount, characterIndex, characterSlice, unitIndex } from '../code-points.ts'
import { fn, int, list, method, noOverload, type Overload, string } from '../define.ts'
import { celLimits } from '../limits.ts'
import { type Meter, traversal } from '../meter.ts'
import { formatText } from '../string-format.ts'
import { boolType, dyn, intType, listOf, stringType } from '../type.ts'
import { CelError, type CelList, type Value, ValueList } from '../value.ts'

const first = { cost: ([size]: readonly number[]) => traversal(size!), size: ([size]: readonly number[]) => size! }
const twice = ([size]: readonly number[]) => traversal(2 * size!)
const outOf = (index: bigint) => new CelError(`index out of range: ${index}`)
const tooLong = () => new CelError(`the text would have more than ${celLimits.text} characters`)

function substring(text: string, start: bigint, end: bigint): Value {
  const length = BigInt(characterCount(text))
  if (start < 0n || start > length) return outOf(start)
  if (end < 0n || end > length) return outOf(end)
  if (start > end) return new CelError(`invalid substring range. start: ${start}, end: ${end}`)
  return characterSlice(text, Number(start), Number(end))
}

function charAt(text: string, index: bigint): Value {
  const length = BigInt(characterCount(text))
  return index < 0n || index > length ? outOf(index) : characterSlice(text, Number(index), Number(index) + 1)
}

function indexOf(text: string, wanted: string, offset: bigint): Value {
  if (wanted === '') return offset
  if (offset < 0n || offset > BigInt(characterCount(text))) return outOf(offset)
  return BigInt(characterIndex(text, text.indexOf(wanted, unitIndex(text, Number(offset)))))
}

function lastIndexOf(text: string, wanted: string, offset: bigint | undefined): Value {
  const length = BigInt(characterCount(text))
  if (wanted === '') return offset ?? length
  if (offset !== undefined && (offset < 0n || offset > length)) return outOf(offset)
  return BigInt(characterIndex(text, text.lastIndexOf(wanted, offset === undefined ? undefined : unitIndex(text, Number(offset)))))
}

function replace(text: string, old: string, by: string, limit: bigint, meter: Meter): Value {
  const most = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit)
  // An empty text is found before every character and at the end.
  const pieces = old === '' ? ['', ...text] : text.split(old)
  if (old === '' && most > pieces.length) pieces.push('')
  const count = Math.min(pieces.length - 1, most)
  const length = text.length + count * Math.max(0, by.length - old.length)
  if (length > celLimits.text) return tooLong()
  meter.charge(traversal(length))
  const replaced = pieces.slice(0, count + 1)
  const rest = pieces.slice(count + 1)
  return replaced.join(by) + (rest.length > 0 ? `${old}${rest.join(old)}` : '')
}

function split(text: string, separator: string, limit: bigint): Value {
  if (limit === 0n) return new ValueList([])
  if (limit === 1n) return new ValueList([text])
  const parts = separator === '' ? [...text] : text.split(separator)
  const most = limit < 0n ? parts.length : Number(limit)
  if (parts.length <= most) return new ValueList(parts)
  return new ValueList([...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)])
}

function join(items: CelList, separator: string, meter: Meter): Value {
  const texts: string[] = []
  let length = Math.max(0, items.size - 1) * separator.length
  for (const item of items) {
    if (typeof item !== 'string') return noOverload()
    length += item.length
    if (length > celLimits.text) return tooLong()
    meter.charge(traversal(2 * item.length))
    texts.push(item)
  }
  meter.charge(traversal(length))
  return texts.join(separator)
}

const ascii = (text: string, from: RegExp, to: (letter: string) => string) => text.replace(from, to)

const quoteEscapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
])

/** What Go's `unicode.IsSpace` takes off the ends. */
const trimmed = /^[\s\u0085]+|[\s\u0085]+$/gu

function trim(text: string): string {
  // JavaScript counts the byte order mark as space, Go does not.
  return text.startsWith('\ufeff') || text.endsWith('\ufeff') ? text : text.replace(trimmed, '')
}

const questions: readonly Overload[] = [
  method(
    'contains',
    [string, string],
    boolType,
    ([text, part]) => text.includes(part),
    ([a, b]) => traversal(a!) * traversal(b!),
  ),
  method(
    'startsWith',
    [string, string],
    boolType,
    ([text, part]) => text.startsWith(part),
    ([, size]) => traversal(size!),
  ),
  method(
    'endsWith',
    [string, string],
    boolType,
    ([text, part]) => text.endsWith(part),
    ([, size]) => traversal(size!),
  ),
  method('indexOf', [string, string], intType, ([text, part]) => indexOf(text, part, 0n), first.cost),
  method('indexOf', [string, string, int], intType, ([text, part, offset]) => indexOf(text, part, offset), first.cost),
  method('lastIndexOf', [string, string], intType, ([text, part]) => lastIndexOf(text, part, undefined), first.cost),
  method('lastIndexOf', [string, string, int], intType, ([text, part, offset]) => lastIndexOf(text, part, offset), first.cost),
  method(
    'charAt',
    [string, int],
    stringType,
    ([text, index]) => charAt(text, index),
    ([size]) => Math.max(1, traversal(size!)),
  ),
]

const changes: readonly Overload[] = [
  method('lowerAscii', [string], stringType, ([text]) => ascii(text, /[A-Z]+/g, (letters) => letters.toLowerCase()), first),
  method('upperAscii', [string], stringType, ([text]) => ascii(text, /[a-z]+/g, (letters) => letters.toUpperCase()), first),
  method('trim', [string], stringType, ([text]) => trim(text), first),
  method('reverse', [string], stringType, ([text]) => [...text].reverse().join(''), first),
  method('substring', [string, int], stringType, ([text, start]) => substring(text, start, BigInt(characterCount(text))), first),
  method('substring', [string, int, int], stringType, ([text, start, end]) => substring(text, start, end), first),
  method('replace', [string, string, string], stringType, ([text, old, by], meter) => replace(text, old, by, -1n, meter), {
    cost: twice,
    size: ([size, , by]) => (size! + 1) * Math.max(1, by!),
  }),
  method('replace', [string, string, string, int], stringType, ([text, old, by, limit], meter) => replace(text, old, by, limit, meter), {
    cost: twice,
    size: ([size, , by]) => (size! + 1) * Math.max(1, by!),
  }),
  method('split', [string, string], listOf(stringType), ([text, by]) => split(text, by, -1n), { cost: twice, size: ([size]) => size! }),
  method('split', [string, string, int], listOf(stringType), ([text, by, limit]) => split(text, by, limit), {
    cost: twice,
    size: ([size]) => size!,
  }),
  method(
    'join',
    [list(stringType)],
    stringType,
    ([items], meter) => join(items, '', meter),
    ([size]) => Math.max(1, traversal(2 * size!)),
  ),
  method(
    'join',
    [list(stringType), string],
    stringType,
    ([items, by], meter) => join(items, by, meter),
    ([size]) => Math.max(1, traversal(2 * size!)),
  ),
  method('format', [string, list(dyn)], stringType, ([text, items], meter) => formatText(text, items, meter), first.cost),
  fn('strings.quote', [string], stringType, ([text]) => `"${[...text].map((each) => quoteEscapes.get(each) ?? each).join('')}"`, {
    cost: first.cost,
    size: ([size]) => 2 * size! + 2,
  }),
]

/** cel-go's extension of strings, and the functions of the specification. Indices count code points. */
export const strings: readonly Overload[] = [...questions, ...changes]
