import { bool, fn, method, type Overload, opaque, string } from '../define.ts'
import { traversal } from '../meter.ts'
import { boolType, intType, opaqueType } from '../type.ts'
import { CelError, Opaque, type Value } from '../value.ts'

const type = opaqueType('kubernetes.Semver')
const number = '(0|[1-9]\\d{0,18})'
const label = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)'
const pattern = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-(${label}(?:\\.${label})*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`,
)

/** A version of semver.org 2.0.0. */
class SemverValue extends Opaque {
  override readonly type = type
  readonly numbers: readonly bigint[]
  readonly labels: readonly string[]

  constructor(numbers: readonly bigint[], labels: readonly string[]) {
    super()
    this.numbers = numbers
    this.labels = labels
  }

  /** Builds do not count. */
  override get identity(): string {
    return `${this.numbers.join('.')}-${this.labels.join('.')}`
  }
}

const semver = opaque(type, SemverValue)
const costs = ([size]: readonly number[]) => Math.max(1, traversal(size!))

function read(text: string, normalize = false): Value {
  const found = text.length <= 256 ? pattern.exec(normalize ? normalized(text) : text) : null
  if (!found) return new CelError('No Major.Minor.Patch elements found')
  const [, major, minor, patch, labels] = found
  return new SemverValue(
    [major, minor, patch].map((each) => BigInt(each ?? 0)),
    labels?.split('.') ?? [],
  )
}

/** Without a leading `v`, leading zeros, and with the parts that are missing. */
function normalized(text: string): string {
  const [, numbers = '', rest = ''] = /^v?([\d.]*)(.*)$/s.exec(text) ?? []
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''))
  while (parts.length < 3) parts.push('0')
  return parts.join('.') + rest
}

function compare(a: SemverValue, b: SemverValue): number {
  for (const [index, value] of a.numbers.entries()) {
    const other = b.numbers[index]!
    if (value !== other) return value < other ? -1 : 1
  }
  // A version without labels is a release, and comes after those with.
  if (a.labels.length === 0 || b.labels.length === 0) return Math.sign(b.labels.length - a.labels.length)
  for (const [index, value] of a.labels.entries()) {
    const other = b.labels[index]
    if (other === undefined) return 1
    if (value !== other) return compareLabels(value, other)
  }
  return Math.sign(a.labels.length - b.labels.length)
}

function compareLabels(a: string, b: string): number {
  const [left, right] = [a, b].map((each) => (/^\d+$/.test(each) ? BigInt(each) : undefined))
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0
  if (left !== undefined || right !== undefined) return left !== undefined ? -1 : 1
  return a < b ? -1 : 1
}

/** Kubernetes' functions of versions. */
export const versions: readonly Overload[] = [
  fn('semver', [string], type, ([text]) => read(text), costs),
  fn('semver', [string, bool], type, ([text, normalize]) => read(text, normalize), costs),
  fn('isSemver', [string], boolType, ([text]) => !(read(text) instanceof CelError), costs),
  fn('isSemver', [string, bool], boolType, ([text, normalize]) => !(read(text, normalize) instanceof CelError), costs),
  ...['major', 'minor', 'patch'].map((name, index) => method(name, [semver], intType, ([{ numbers }]) => numbers[index]!)),
  method('isLessThan', [semver, semver], boolType, ([a, b]) => compare(a, b) < 0),
  method('isGreaterThan', [semver, semver], boolType, ([a, b]) => compare(a, b) > 0),
  method('compareTo', [semver, semver], intType, ([a, b]) => BigInt(compare(a, b))),
]
