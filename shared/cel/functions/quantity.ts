import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  type Quantity,
  QuantityError,
  subtractQuantities,
} from '../../quantity/quantity.ts'
import { fn, int, method, type Overload, opaque, string } from '../define.ts'
import { MAX_INT, MIN_INT } from '../literals.ts'
import { traversal } from '../meter.ts'
import { boolType, doubleType, intType, opaqueType } from '../type.ts'
import { CelError, Opaque, type Value } from '../value.ts'

const NANO = 10n ** 9n
const type = opaqueType('kubernetes.Quantity')

/** An amount such as `500m` or `1Gi`. */
export class QuantityValue extends Opaque {
  override readonly type = type
  readonly amount: Quantity

  constructor(amount: Quantity) {
    super()
    this.amount = amount
  }

  override get identity(): string {
    return String(this.amount.nano)
  }
}

const quantity = opaque(type, QuantityValue)
const length = ([size]: readonly number[]) => Math.max(1, traversal(size!))

function read(text: string): Value {
  try {
    canonicalQuantity(text)
    return new QuantityValue(parseQuantity(text))
  } catch (error) {
    if (error instanceof QuantityError) return new CelError(error.message)
    throw error
  }
}

const whole = (nano: bigint) => nano % NANO === 0n && nano / NANO >= MIN_INT && nano / NANO <= MAX_INT
const ofInt = (value: bigint): Quantity => ({ nano: value * NANO, format: 'DecimalSI' })

/** Kubernetes' quantities. */
export const quantities: readonly Overload[] = [
  fn('quantity', [string], type, ([text]) => read(text), length),
  fn('isQuantity', [string], boolType, ([text]) => !(read(text) instanceof CelError), length),
  method('sign', [quantity], intType, ([{ amount }]) => BigInt(compareQuantities(amount, ofInt(0n)))),
  method('isInteger', [quantity], boolType, ([{ amount }]) => whole(amount.nano)),
  method('asInteger', [quantity], intType, ([{ amount }]) =>
    whole(amount.nano) ? amount.nano / NANO : new CelError('cannot convert value to integer'),
  ),
  method('asApproximateFloat', [quantity], doubleType, ([{ amount }]) => Number(amount.nano) / 1e9),
  method('isGreaterThan', [quantity, quantity], boolType, ([a, b]) => compareQuantities(a.amount, b.amount) > 0),
  method('isLessThan', [quantity, quantity], boolType, ([a, b]) => compareQuantities(a.amount, b.amount) < 0),
  method('compareTo', [quantity, quantity], intType, ([a, b]) => BigInt(compareQuantities(a.amount, b.amount))),
  method('add', [quantity, quantity], type, ([a, b]) => new QuantityValue(addQuantities(a.amount, b.amount))),
  method('add', [quantity, int], type, ([a, b]) => new QuantityValue(addQuantities(a.amount, ofInt(b)))),
  method('sub', [quantity, quantity], type, ([a, b]) => new QuantityValue(subtractQuantities(a.amount, b.amount))),
  method('sub', [quantity, int], type, ([a, b]) => new QuantityValue(subtractQuantities(a.amount, ofInt(b)))),
]
