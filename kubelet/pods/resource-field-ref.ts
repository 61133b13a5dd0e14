import type { Container, ResourceFieldSelector } from '../../shared/openapi/generated/core-v1.ts'
import { parseQuantity, type Quantity, zero } from '../../shared/quantity/quantity.ts'

/** What a node can give to pods, by resource name, as quantities. */
export type Allocatable = Readonly<Record<string, string>>

/**
 * A container's limit or request in units of the divisor, rounded up (whole cores or bytes by default). A limit that is not set is what
 * the node can give; a request that is not set is 0. Undefined when there is no such resource field.
 */
export function resourceFieldValue(container: Container, selector: ResourceFieldSelector, allocatable: Allocatable): string | undefined {
  const [side, ...rest] = selector.resource.split('.')
  const name = rest.join('.')
  if ((side !== 'limits' && side !== 'requests') || name === '') return undefined
  const amount = side === 'limits' ? limitOf(container, name, allocatable) : requestOf(container, name)
  const divisor = parseQuantity(selector.divisor || '0')
  const unit = divisor.nano > 0n ? divisor.nano : 10n ** 9n
  return String((amount.nano + unit - 1n) / unit)
}

function limitOf({ resources }: Container, name: string, allocatable: Allocatable): Quantity {
  const limit = resources?.limits?.[name]
  if (limit !== undefined && parseQuantity(limit).nano > 0n) return parseQuantity(limit)
  return parseQuantity(allocatable[name] ?? '0')
}

function requestOf({ resources }: Container, name: string): Quantity {
  const request = resources?.requests?.[name] ?? resources?.limits?.[name]
  return request === undefined ? zero : parseQuantity(request)
}
