import { isAllocators } from '../../shared/addresses/allocated-address.ts'
import { familiesOf, familyOf } from '../../shared/addresses/ip-families.ts'
import { serviceOf } from '../allocation/cluster-ip-object.ts'
import type { ObjectReader } from '../registry/object-reader.ts'

/**
 * Why this server may not go on with these ranges; undefined when it may. Services hold addresses of a family that it would not know any more: nobody
 * would keep them from being given twice, nor lead packets there.
 */
export function givenFamiliesProblem(serviceRanges: readonly string[], reader: ObjectReader): string | undefined {
  const families = familiesOf(serviceRanges)
  const lost = reader
    .list('networking.k8s.io/v1', 'IPAddress')
    .filter((address) => isAllocators(address) && !families.includes(familyOf(address.metadata.name ?? '')))
  const [first] = lost
  if (!first) return undefined
  const family = familyOf(first.metadata.name ?? '')
  const others = lost.length === 1 ? '' : ` and ${lost.length - 1} more`
  return (
    `--service-cluster-ip-range has no range of ${family} any more, and Services hold addresses of it: ${first.metadata.name} is ` +
    `${serviceOf(first)}'s${others}. Start with that range, set their ipFamilyPolicy to SingleStack or delete them, and come back`
  )
}
