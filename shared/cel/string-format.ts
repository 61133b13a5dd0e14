import { celLimits } from './limits.ts'
import type { Meter } from './meter.ts'
import { doubleText, withExponent } from './number-text.ts'
import { durationText, timestampText } from './time-values.ts'
import { CelError, CelList, CelMap, Duration, runtimeTypeOf, Timestamp, TypeValue, UnsignedInt, type Value } from './value.ts'

const clause = /%(?:\.(\d{1,3}))?([a-zA-Z%])?/g
/** Lists in lists that `%s` writes. */
const DEPTH = 50

/** `'%s has %d'.format(items)`: cel-go's clauses s, d, f, e, b, x, X, o. */
export function formatText(text: string, items: CelList, meter: Meter): Value {
  const parts: string[] = []
  let from = 0
  let used = 0
  let length = 0
  for (const found of text.matchAll(clause)) {
    parts.push(text.slice(from, found.index))
    from = found.index + found[0].length
    const [, precision, verb] = found
    let written: string | CelError = '%'
    if (verb !== '%') {
      if (verb === undefined) return new CelError('unexpected end of string')
      if (used >= items.size) return new CelError(`index ${used} out of range`)
      written = writeClause(verb, items.at(used++), precision === undefined ? undefined : Number(precision), meter)
    }
    if (written instanceof CelError) return written
    length += written.length
    if (length + text.length > celLimits.text) return new CelError(`the text would have more than ${celLimits.text} characters`)
    parts.push(written)
  }
  parts.push(text.slice(from))
  return parts.join('')
}

function writeClause(verb: string, value: Value, precision: number | undefined, meter: Meter): string | CelError {
  switch (verb) {
    case 's':
      return plainText(value, meter, 0)
    case 'd':
      if (typeof value === 'bigint') return String(value)
      if (value instanceof UnsignedInt) return String(value.value)
      return typeof value === 'number' && !Number.isFinite(value) ? infinite(value) : wrong('decimal', 'integers', value)
    case 'f':
      return fixed(value, precision ?? 6, (amount) => amount.toFixed(Math.min(precision ?? 6, 100)))
    case 'e':
      return fixed(value, precision ?? 6, (amount) => withExponent(amount.toExponential(Math.min(precision ?? 6, 100))))
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0'
      return inBase(value, 2) ?? wrong('binary', 'integers and bools', value)
    case 'o':
      return inBase(value, 8) ?? wrong('octal', 'integers', value)
    case 'x':
    case 'X': {
      const text = typeof value === 'string' || value instanceof Uint8Array ? Buffer.from(value).toString('hex') : inBase(value, 16)
      if (text === undefined) return wrong('hex', 'integers, byte buffers, and strings', value)
      meter.charge(text.length * 0.1)
      return verb === 'X' ? text.toUpperCase() : text
    }
    default:
      return new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`)
  }
}

function wrong(clauseName: string, takes: string, value: Value): CelError {
  return new CelError(`error during formatting: ${clauseName} clause can only be used on ${takes}, was given ${runtimeTypeOf(value)}`)
}

function infinite(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

function fixed(value: Value, _precision: number, write: (amount: number) => string): string | CelError {
  const amount = typeof value === 'bigint' ? Number(value) : value instanceof UnsignedInt ? Number(value.value) : value
  if (typeof amount !== 'number') return wrong('fixed-point', 'doubles', value)
  return Number.isFinite(amount) ? write(amount) : infinite(amount)
}

function inBase(value: Value, base: 2 | 8 | 16): string | undefined {
  if (typeof value === 'bigint') return value.toString(base)
  return value instanceof UnsignedInt ? value.value.toString(base) : undefined
}

function plainText(value: Value, meter: Meter, depth: number): string | CelError {
  meter.charge(0.1)
  if (depth > DEPTH) return new CelError('the value is nested too deeply to be written')
  if (typeof value === 'string') {
    meter.charge(value.length * 0.1)
    return value
  }
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? doubleText(value) : infinite(value)
  if (value instanceof UnsignedInt) return String(value.value)
  if (value instanceof Timestamp) return timestampText(value)
  if (value instanceof Duration) return durationText(value)
  if (value instanceof TypeValue) return value.name
  if (value instanceof Uint8Array) {
    meter.charge(value.length * 0.1)
    return new TextDecoder().decode(value)
  }
  if (value instanceof CelList) return listText(value, meter, depth)
  if (value instanceof CelMap) return mapText(value, meter, depth)
  return wrong('string', 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value)
}

function listText(items: CelList, meter: Meter, depth: number): string | CelError {
  const texts: string[] = []
  for (const item of items) {
    const text = plainText(item, meter, depth + 1)
    if (text instanceof CelError) return text
    texts.push(text)
  }
  return `[${texts.join(', ')}]`
}

/** Keys are sorted, so that one map has one text. */
function mapText(entries: CelMap, meter: Meter, depth: number): string | CelError {
  const texts: string[] = []
  for (const key of entries.keys()) {
    const name = plainText(key, meter, depth + 1)
    if (name instanceof CelError) return name
    const text = plainText(entries.get(key) ?? null, meter, depth + 1)
    if (text instanceof CelError) return text
    texts.push(`${name}: ${text}`)
  }
  meter.charge(texts.length)
  return `{${texts.sort().join(', ')}}`
}
