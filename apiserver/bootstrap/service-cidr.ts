import { type RequiredObject, required } from './ensure.ts'

/**
 * The ranges that the server gives cluster IPs from, as people and controllers see them. One of another range stays: its addresses are in use; one
 * that lacks the second family gets it.
 */
export function requiredServiceCIDR(cidrs: readonly string[]): RequiredObject {
  return required('networking.k8s.io/v1', 'ServiceCIDR', { metadata: { name: 'kubernetes' }, spec: { cidrs: [...cidrs] } }, (present) => {
    const before = present.spec.cidrs ?? []
    return before.length === 1 && cidrs.length === 2 && before[0] === cidrs[0] ? { ...present, spec: { cidrs: [...cidrs] } } : undefined
  })
}
