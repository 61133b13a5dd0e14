import { rangeAround } from '../../shared/addresses/ip-families.ts'
import type { ObjectReader } from '../registry/object-reader.ts'

/** The range of a ServiceCIDR, ready or not, that an address lies in: it is Services' as the server's own range is. */
export function furtherRangeOf(address: string, reader: ObjectReader): string | undefined {
  for (const { spec } of reader.list('networking.k8s.io/v1', 'ServiceCIDR')) {
    const range = rangeAround(address, spec.cidrs ?? [])
    if (range !== undefined) return range
  }
  return undefined
}
