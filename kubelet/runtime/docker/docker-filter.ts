import type { PodFilter } from '../container-runtime.ts'
import { label } from '../owner-labels.ts'

/** The engine's filter for what is ours. */
export function ownedFilter(node: string, role: 'sandbox' | 'container' | undefined, filter: PodFilter): string {
  const labels = [`${label.node}=${node}`]
  if (role) labels.push(`${label.role}=${role}`)
  if (filter.podUid) labels.push(`${label.podUid}=${filter.podUid}`)
  return JSON.stringify({ label: labels })
}
