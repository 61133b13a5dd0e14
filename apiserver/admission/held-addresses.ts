import type { HookContext } from '../registry/define-resource.ts'

const LEASES = 'kube-node-lease'
/** What kubelets write when nobody told them otherwise. */
const USUAL_SECONDS = 40

/**
 * Whether what a Node says of its addresses still keeps others from them: while its kubelet renews its lease. Networks hand addresses
 * around (a container that starts gets one that another had), and a Node outlives its host by minutes or for ever: it must not keep a
 * living host out. A Node that never had a lease was written by a person, who meant it.
 */
export function holdsAddresses(node: string, { reader, clock }: Pick<HookContext, 'reader' | 'clock'>): boolean {
  const lease = reader.get('coordination.k8s.io/v1', 'Lease', { namespace: LEASES, name: node })
  if (!lease?.spec.renewTime) return true
  const lasts = (lease.spec.leaseDurationSeconds ?? USUAL_SECONDS) * 1_000
  return Date.parse(lease.spec.renewTime) + lasts > clock.now()
}
