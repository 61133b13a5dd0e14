import type { KubeObject } from '../objects/object.ts'
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../openapi/generated/core-v1.ts'
import { type Quantities, readAmounts } from '../pods/pod-quantities.ts'
import { addQuantities, compareQuantities, formatQuantity, type Quantity, subtractQuantities, zero } from '../quantity/quantity.ts'
import { claimQuota } from './claims.ts'
import { podQuota } from './pods.ts'
import { countedKind, type QuotaKind } from './quota-kind.ts'
import { serviceQuota } from './services.ts'

type Amounts = Readonly<Record<string, string>>

const withRules = new Map([podQuota, serviceQuota, claimQuota].map((kind) => [kind.resource, kind]))
/** Written on the side, by everything that works. */
const neverCharged: ReadonlySet<string> = new Set(['events'])

/** How a resource uses quotas; undefined for those that never do. */
export function quotaKindOf(group: string, resource: string): QuotaKind | undefined {
  if (neverCharged.has(resource) && (group === '' || group === 'events.k8s.io')) return undefined
  return (group === '' ? withRules.get(resource) : undefined) ?? countedKind(group, resource)
}

/** Everything that an object must lie in to be counted. */
export function scopesOf({ scopes = [], scopeSelector }: ResourceQuotaSpec): ScopedResourceSelectorRequirement[] {
  return [...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(scopeSelector?.matchExpressions ?? [])]
}

/** Of the limited names, those that objects of the kind use, when the object lies in all scopes; else none. */
export function namesFor(kind: QuotaKind, spec: ResourceQuotaSpec, limited: Amounts | undefined, object: KubeObject): string[] {
  const names = Object.keys(limited ?? {}).filter((name) => kind.counts(name))
  if (names.length === 0) return names
  return scopesOf(spec).every((scope) => kind.isIn?.(scope, object) === true) ? names : []
}

/** What would be too much: the names whose new usage passes the limit. Only what is asked for is looked at. */
export function exceeded(asked: Quantities, used: Amounts | undefined, hard: Amounts | undefined): string[] {
  const [before, limits] = [readAmounts(used), readAmounts(hard)]
  return [...asked.keys()].filter((name) => {
    const limit = limits.get(name)
    return limit !== undefined && compareQuantities(addQuantities(before.get(name) ?? zero, asked.get(name) ?? zero), limit) > 0
  })
}

/** The usage after a charge; names without a limit are not kept. */
export function charged(asked: Quantities, used: Amounts | undefined): Record<string, string> {
  return changed(asked, used, addQuantities)
}

/** The usage after a charge was given back; never below nothing. */
export function givenBack(asked: Quantities, used: Amounts | undefined): Record<string, string> {
  return changed(asked, used, (before, amount) => {
    const less = subtractQuantities(before, amount)
    return less.nano < 0n ? zero : less
  })
}

/** What a change adds: an update is charged for growth only, and shrinking gives nothing back before it is counted. Names that add nothing are left out. */
export function growth(next: Quantities, previous: Quantities | undefined): Quantities {
  const grown: Quantities = new Map()
  for (const [name, amount] of next) {
    const before = previous?.get(name)
    const more = before ? subtractQuantities(amount, before) : amount
    if (more.nano > 0n) grown.set(name, more)
  }
  return grown
}

function changed(asked: Quantities, used: Amounts | undefined, apply: (before: Quantity, amount: Quantity) => Quantity) {
  const result = { ...used }
  const before = readAmounts(used)
  for (const [name, amount] of asked) result[name] = formatQuantity(apply(before.get(name) ?? zero, amount))
  return result
}
