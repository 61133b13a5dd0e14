import { IpRange } from '../../shared/addresses/ip-range.ts'
import { type RequiredObject, required } from './ensure.ts'

/** The range that the server gives cluster IPs from, as people and controllers see it. One of another range stays: its addresses are in use. */
export function requiredServiceCIDR(range: string): RequiredObject {
  const cidrs = [IpRange.parse(range)?.text ?? range]
  return required('networking.k8s.io/v1', 'ServiceCIDR', { metadata: { name: 'kubernetes' }, spec: { cidrs } })
}
