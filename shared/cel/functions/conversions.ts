import { any, bool, bytes, double, duration, fn, int, type Overload, string, timestamp, uint } from '../define.ts'
import { MAX_INT, MAX_UINT, MIN_INT } from '../literals.ts'
import { traversal } from '../meter.ts'
import { doubleText } from '../number-text.ts'
import { durationText, earliest, latest, parseDuration, parseTimestamp, timestampText } from '../time-values.ts'
import * as types from '../type.ts'
import { CelError, runtimeTypeOf, Timestamp, TypeValue, UnsignedInt, type Value } from '../value.ts'

const { boolType, bytesType, doubleType, durationType, intType, stringType, timestampType, uintType } = types
const SECOND = 1_000_000_000n
const textCost = ([size]: readonly number[]) => Math.max(1, traversal(size!))
const trues = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const falses = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

function toInt(value: bigint): Value {
  return value < MIN_INT || value > MAX_INT ? new CelError('integer overflow') : value
}

function toUint(value: bigint): Value {
  return value < 0n || value > MAX_UINT ? new CelError('unsigned integer overflow') : new UnsignedInt(value)
}

/** Whole parts only; the edges themselves are no longer exact in a double. */
function intOfDouble(value: number): Value {
  return value > -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : new CelError('integer overflow')
}

function uintOfDouble(value: number): Value {
  return value >= 0 && value < 2 ** 64 ? new UnsignedInt(BigInt(Math.trunc(value))) : new CelError('unsigned integer overflow')
}

function notReadable(from: string, to: string, text: string): CelError {
  return new CelError(`type conversion error from '${from}' to '${to}': parsing ${JSON.stringify(text.slice(0, 100))}: invalid syntax`)
}

function doubleOfText(text: string): Value {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (/^nan$/i.test(text)) return Number.NaN
  return text.length <= 1_000 && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : notReadable('string', 'double', text)
}

function bytesText(value: Uint8Array): Value {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch (error) {
    if (error instanceof TypeError) return new CelError('invalid UTF-8 in bytes, cannot convert to string')
    throw error
  }
}

function timestampOfSeconds(seconds: bigint): Value {
  const nanoseconds = seconds * SECOND
  return nanoseconds < earliest || nanoseconds > latest ? new CelError('timestamp overflow') : new Timestamp(nanoseconds)
}

function secondsOf({ nanoseconds }: Timestamp): bigint {
  return (nanoseconds - (((nanoseconds % SECOND) + SECOND) % SECOND)) / SECOND
}

const toNumbers: readonly Overload[] = [
  fn('int', [int], intType, ([value]) => value),
  fn('int', [uint], intType, ([{ value }]) => toInt(value)),
  fn('int', [double], intType, ([value]) => intOfDouble(value)),
  fn('int', [string], intType, ([text]) =>
    /^[+-]?\d{1,20}$/.test(text) ? toInt(BigInt(text.replace(/^\+/, ''))) : notReadable('string', 'int', text),
  ),
  fn('int', [timestamp], intType, ([value]) => secondsOf(value)),
  fn('int', [duration], intType, ([value]) => value.nanoseconds),
  fn('uint', [uint], uintType, ([value]) => value),
  fn('uint', [int], uintType, ([value]) => toUint(value)),
  fn('uint', [double], uintType, ([value]) => uintOfDouble(value)),
  fn('uint', [string], uintType, ([text]) => (/^\d{1,20}$/.test(text) ? toUint(BigInt(text)) : notReadable('string', 'uint', text))),
  fn('double', [double], doubleType, ([value]) => value),
  fn('double', [int], doubleType, ([value]) => Number(value)),
  fn('double', [uint], doubleType, ([{ value }]) => Number(value)),
  fn('double', [string], doubleType, ([text]) => doubleOfText(text)),
]

const toTexts: readonly Overload[] = [
  fn('string', [string], stringType, ([text]) => text, { cost: () => 1, size: ([size]) => size! }),
  fn('string', [int], stringType, ([value]) => String(value)),
  fn('string', [uint], stringType, ([{ value }]) => String(value)),
  fn('string', [double], stringType, ([value]) => doubleText(value)),
  fn('string', [bool], stringType, ([value]) => String(value)),
  fn('string', [bytes], stringType, ([value]) => bytesText(value), { cost: textCost, size: ([size]) => size! }),
  fn('string', [timestamp], stringType, ([value]) => timestampText(value)),
  fn('string', [duration], stringType, ([value]) => durationText(value)),
  fn('bytes', [bytes], bytesType, ([value]) => value),
  fn('bytes', [string], bytesType, ([text]) => new Uint8Array(Buffer.from(text)), { cost: textCost, size: ([size]) => size! * 4 }),
]

/** Functions named after types, `dyn` and `type`. */
export const conversions: readonly Overload[] = [
  ...toNumbers,
  ...toTexts,
  fn('bool', [bool], boolType, ([value]) => value),
  fn('bool', [string], boolType, ([text]) => (trues.has(text) ? true : falses.has(text) ? false : notReadable('string', 'bool', text))),
  fn('timestamp', [timestamp], timestampType, ([value]) => value),
  fn('timestamp', [string], timestampType, ([text]) => parseTimestamp(text)),
  fn('timestamp', [int], timestampType, ([seconds]) => timestampOfSeconds(seconds)),
  fn('duration', [duration], durationType, ([value]) => value),
  fn('duration', [string], durationType, ([text]) => parseDuration(text)),
  fn('duration', [int], durationType, ([nanoseconds]) => parseDuration(`${nanoseconds}ns`)),
  fn('dyn', [any()], types.dyn, ([value]) => value, { cost: () => 1, size: ([size]) => size! }),
  fn('type', [any()], types.typeOf(types.parameter('T')), ([value]) => new TypeValue(runtimeTypeOf(value))),
]
