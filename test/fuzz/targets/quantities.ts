import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  QuantityError,
  quantityMilliValue,
  quantityValue,
} from '../../../shared/quantity/quantity.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

/** Quantities: the canonical text is canonical, and the same amount. */
const target: FuzzTarget = {
  seeds: ['1', '500m', '1.5Gi', '12e6', '-0.5', '.1', '1E', '1e-9', '9223372036854775807Ei', '+1Ki'],
  words: ['Ki', 'Mi', 'Ei', 'n', 'u', 'm', 'k', 'E', 'e', 'e-', 'e400', '.', '0', '999', '-', '+'],
  longest: 128,
  run(input) {
    const text = input.toString('latin1')
    const quantity = parseQuantity(text)
    const written = canonicalQuantity(text)
    if (canonicalQuantity(written) !== written) throw new Error(`${written} is not canonical: ${canonicalQuantity(written)}`)
    if (compareQuantities(parseQuantity(written), quantity) !== 0) throw new Error(`${written} is another amount`)
    addQuantities(quantity, quantity)
    quantityValue(quantity)
    quantityMilliValue(quantity)
  },
  isExpected: (error) => error instanceof QuantityError,
}
export default target
