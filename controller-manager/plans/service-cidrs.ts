import { isAllocators } from '../../shared/addresses/allocated-address.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Condition } from '../../shared/openapi/generated/meta-v1.ts'
import type { IPAddress, ServiceCIDR } from '../../shared/openapi/generated/networking-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'

/** What keeps a range while addresses of it are in use (KEP-1880). */
export const SERVICE_CIDR_FINALIZER = 'networking.k8s.io/service-cidr-finalizer'

/** How long a range stays after its deletion, so that every allocator knows of that before the last look at what is in use. Upstream's. */
const GRACE_MILLISECONDS = 10_000

const rangesOf = ({ spec }: ServiceCIDR) => (spec.cidrs ?? []).flatMap((cidr) => IpRange.parse(cidr) ?? [])

/** Pure: an address of the allocator's that no other range covers, if there is one: it would be nobody's without this range. */
export function orphanOf(going: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): string | undefined {
  const own = rangesOf(going)
  const others = all.filter(({ metadata }) => metadata.name !== going.metadata.name).flatMap(rangesOf)
  if (own.every((range) => others.some((other) => range.isInside(other)))) return undefined
  const isOrphan = (name: string) => own.some((range) => range.holds(name)) && !others.some((other) => other.holds(name))
  return addresses.find((address) => isAllocators(address) && isOrphan(address.metadata.name ?? ''))?.metadata.name
}

/** Pure: milliseconds until a deleted range may be looked at for the last time; 0 or less: now. */
export function untilLastLook(deletedAt: number, now: number): number {
  return deletedAt + GRACE_MILLISECONDS - now
}

/** Pure: what is said of a range; undefined where it is said already. `orphan` is an address that keeps it from going. */
export function readyCondition({ status }: ServiceCIDR, orphan: string | undefined, now: number): Condition[] | undefined {
  const wanted =
    orphan === undefined
      ? { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }
      : {
          ...{ status: 'False', reason: 'Terminating' },
          message: `There are still IPAddresses referencing the ServiceCIDR, ${orphan} for one: remove them or create a ServiceCIDR that covers them`,
        }
  const conditions = status.conditions ?? []
  const present = conditions.find(({ type }) => type === 'Ready')
  // The address that is named is an example: another one is no news.
  if (present && present.status === wanted.status && present.reason === wanted.reason) return undefined
  const lastTransitionTime = present && present.status === wanted.status ? present.lastTransitionTime : timestamp(now)
  return [...conditions.filter(({ type }) => type !== 'Ready'), { type: 'Ready', ...wanted, lastTransitionTime }]
}
