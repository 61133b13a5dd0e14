import type { KubeObject } from '../objects/object.ts'
import type { ScopedResourceSelectorRequirement } from '../openapi/generated/core-v1.ts'
import type { Quantities } from '../pods/pod-quantities.ts'
import { quantityFromValue } from '../quantity/quantity.ts'

/** How objects of one resource use quotas. All of it is pure; `now` is in milliseconds since the epoch. */
export interface QuotaKind {
  readonly group: string
  /** Plural. */
  readonly resource: string
  /** Whether a write is charged. Subresource empty: the object itself. */
  charges(operation: 'CREATE' | 'UPDATE', subresource: string): boolean
  /** Whether objects of this kind may use the resource of this name. */
  counts(name: string): boolean
  /** What one object uses, by the names that quotas have for it. */
  usage(object: KubeObject, now: number): Quantities
  /** Whether an object lies in a scope; a kind without it lies in none. */
  isIn?(scope: ScopedResourceSelectorRequirement, object: KubeObject): boolean
  /** Why an object may not be made while these names are limited. */
  problem?(names: readonly string[], object: KubeObject): string | undefined
}

/** `count/deployments.apps`, `count/pods`. */
export function countName(group: string, resource: string): string {
  return group === '' ? `count/${resource}` : `count/${resource}.${group}`
}

export const one = quantityFromValue(1)

/** Names from before there was `count/…`; the rest of them belong to kinds with rules of their own. */
const legacyCounts: ReadonlySet<string> = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'])

/** A kind whose objects are only counted. */
export function countedKind(group: string, resource: string): QuotaKind {
  const names = new Set([countName(group, resource), ...(group === '' && legacyCounts.has(resource) ? [resource] : [])])
  return {
    ...{ group, resource },
    charges: (operation, subresource) => operation === 'CREATE' && subresource === '',
    counts: (name) => names.has(name),
    usage: () => new Map([...names].map((name) => [name, one])),
  }
}
