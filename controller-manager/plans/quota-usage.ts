import type { KubeObject } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { ResourceQuota, ResourceQuotaStatus } from '../../shared/openapi/generated/core-v1.ts'
import { addTo, type Quantities } from '../../shared/pods/pod-quantities.ts'
import { compareQuantities, formatQuantity, parseQuantity, zero } from '../../shared/quantity/quantity.ts'
import { namesFor } from '../../shared/quota/quota.ts'
import type { QuotaKind } from '../../shared/quota/quota-kind.ts'

/** The objects of one kind in the quota's namespace. */
export interface Counted {
  readonly kind: QuotaKind
  readonly objects: readonly KubeObject[]
}

/** What a quota's status says once everything was counted: the limits as they are wished now, and the usage of each that somebody knows how to count. Pure. */
export function countedStatus({ spec }: ResourceQuota, counted: readonly Counted[], now: number): ResourceQuotaStatus {
  const hard = spec.hard ?? {}
  const total: Quantities = new Map()
  for (const { kind, objects } of counted) {
    for (const name of Object.keys(hard)) if (kind.counts(name)) total.set(name, zero)
    for (const object of objects) {
      const names = namesFor(kind, spec, hard, object)
      if (names.length > 0) addTo(total, new Map([...kind.usage(object, now)].filter(([name]) => names.includes(name))))
    }
  }
  const used = Object.fromEntries(
    [...total].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, sum]) => [name, formatQuantity(sum)]),
  )
  return { hard: { ...hard }, used }
}

/**
 * What to do about a status. A count that is lower than what was charged is not believed at once: the charge comes before the object, and the
 * object before the cache. Everything else is written as it is. Pure.
 */
export function quotaStep(present: ResourceQuotaStatus, counted: ResourceQuotaStatus): 'done' | 'write' | 'writeWhenQuiet' {
  const isSameLimit = sameAmounts(present.hard, counted.hard)
  if (isSameLimit && sameAmounts(present.used, counted.used)) return 'done'
  const isLower = Object.entries(counted.used ?? {}).some(([name, amount]) => {
    const charged = present.used?.[name]
    return charged !== undefined && compareQuantities(parseQuantity(amount), parseQuantity(charged)) < 0
  })
  return isLower ? 'writeWhenQuiet' : 'write'
}

function sameAmounts(left: Record<string, string> | undefined, right: Record<string, string> | undefined): boolean {
  const sorted = (amounts: Record<string, string> = {}) => Object.entries(amounts).sort(([one], [other]) => (one < other ? -1 : 1))
  return sameJson(sorted(left), sorted(right))
}
