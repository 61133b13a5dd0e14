import type { Container, PodSpec } from '../openapi/generated/core-v1.ts'
import { parseQuantity, quantityMilliValue, quantityValue } from '../quantity/quantity.ts'

/** Amounts by resource name: `cpu` in thousandths of a core, everything else in whole units (bytes, pieces). */
export type Amounts = Map<string, number>

/** Reads a ResourceList into amounts, rounding up as the scheduler does. */
export function amountsOf(list: Record<string, string> | undefined): Amounts {
  const amounts: Amounts = new Map()
  for (const [name, quantity] of Object.entries(list ?? {})) {
    const exact = parseQuantity(quantity)
    amounts.set(name, name === 'cpu' ? quantityMilliValue(exact) : quantityValue(exact))
  }
  return amounts
}

/**
 * What a pod asks of a node: the larger of its running phase (app containers and sidecars) and of each init step
 * (that init container with the sidecars started before it), plus overhead (KEP-753, KEP-688). Pod-level
 * `spec.resources` replace the sum where they name a resource (KEP-2837).
 */
export function podRequests(spec: PodSpec, read: (container: Container) => Record<string, string> | undefined = requestsOf): Amounts {
  const running: Amounts = new Map()
  for (const container of spec.containers) add(running, amountsOf(read(container)))
  const sidecars: Amounts = new Map()
  let largestStep: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    const own = amountsOf(read(container))
    if (container.restartPolicy === 'Always') {
      add(running, own)
      add(sidecars, own)
      largestStep = larger(largestStep, sidecars)
    } else {
      const step = new Map(sidecars)
      add(step, own)
      largestStep = larger(largestStep, step)
    }
  }
  const total = larger(running, largestStep)
  for (const [name, amount] of amountsOf(spec.resources?.requests)) total.set(name, amount)
  add(total, amountsOf(spec.overhead))
  return total
}

/** Requests, or limits where a request is not set (the API server defaults them so; drafts may not be defaulted yet). */
function requestsOf(container: Container): Record<string, string> {
  return { ...container.resources?.limits, ...container.resources?.requests }
}

function add(total: Amounts, more: Amounts): void {
  for (const [name, amount] of more) total.set(name, (total.get(name) ?? 0) + amount)
}

function larger(left: Amounts, right: Amounts): Amounts {
  const result: Amounts = new Map(left)
  for (const [name, amount] of right) result.set(name, Math.max(result.get(name) ?? 0, amount))
  return result
}
