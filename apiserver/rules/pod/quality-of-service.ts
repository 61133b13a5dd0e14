import type { PodSpec, ResourceRequirements } from '../../../shared/openapi/generated/core-v1.ts'
import { addQuantities, compareQuantities, parseQuantity, type Quantity, zero } from '../../../shared/quantity/quantity.ts'

type Totals = Record<'cpu' | 'memory', Quantity | undefined>

/**
 * The quality-of-service class: `Guaranteed` when every container limits both CPU and memory and requests just that, `BestEffort` when
 * none asks for either, `Burstable` otherwise. Resources of the whole pod, where given, decide alone.
 */
export function qualityOfService(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const parts = spec.resources ? [spec.resources] : [...spec.containers, ...(spec.initContainers ?? [])].map((each) => each.resources)
  const requests: Totals = { cpu: undefined, memory: undefined }
  const limits: Totals = { cpu: undefined, memory: undefined }
  let isGuaranteed = true
  for (const part of parts) {
    addTo(requests, part.requests)
    addTo(limits, part.limits)
    if (!isSet(part, 'cpu') || !isSet(part, 'memory')) isGuaranteed = false
  }
  if (!requests.cpu && !requests.memory && !limits.cpu && !limits.memory) return 'BestEffort'
  for (const name of ['cpu', 'memory'] as const) {
    const [request, limit] = [requests[name], limits[name]]
    if (limit === undefined || (request !== undefined && compareQuantities(request, limit) !== 0)) isGuaranteed = false
  }
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}

function isSet(part: ResourceRequirements, name: 'cpu' | 'memory'): boolean {
  const limit = part.limits?.[name]
  return limit !== undefined && parseQuantity(limit).nano > 0n
}

function addTo(totals: Totals, amounts: Readonly<Record<string, string>> | undefined): void {
  for (const name of ['cpu', 'memory'] as const) {
    const amount = parseQuantity(amounts?.[name] ?? '0')
    if (amount.nano > 0n) totals[name] = addQuantities(totals[name] ?? zero, amount)
  }
}
