import { own, setOwn } from '../objects/own.ts'
import type { PodSpec } from '../openapi/generated/core-v1.ts'
import { addQuantities, formatQuantity, parseQuantity, type Quantity } from '../quantity/quantity.ts'

type Amounts = Record<string, string>

/** What a whole pod may have amounts of (KEP-2837). */
export function isOfPods(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')
}

/** A pod that has amounts of its own asks for what its containers ask for together, else for what it is limited to. Edits in place. */
export function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec
  if (!resources) return
  const given = { ...sumOfRequests(spec), ...resources.requests }
  const requests: Amounts = {}
  for (const [name, amount] of Object.entries({ ...resources.limits, ...given }))
    if (isOfPods(name) || own(resources.requests, name)) setOwn(requests, name, amount)
  if (Object.keys(requests).length > 0) resources.requests = requests
}

/** Of the containers that run together; limits count where there is no request. */
export function sumOfRequests(spec: PodSpec): Amounts {
  const sums = new Map<string, Quantity>()
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { resources } of [...spec.containers, ...sidecars]) {
    for (const [name, amount] of Object.entries({ ...resources.limits, ...resources.requests })) {
      if (!isOfPods(name)) continue
      const sum = sums.get(name)
      sums.set(name, sum ? addQuantities(sum, parseQuantity(amount)) : parseQuantity(amount))
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, formatQuantity(sum)]))
}
