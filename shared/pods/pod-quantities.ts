import type { PodSpec, ResourceRequirements } from '../openapi/generated/core-v1.ts'
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '../quantity/quantity.ts'

/** Exact amounts by resource name. */
export type Quantities = Map<string, Quantity>

type Part = 'requests' | 'limits'

/**
 * What a pod asks for, or may use, exactly: the larger of its running phase and of each init step, with sidecars as they are started, plus
 * overhead (KEP-753, KEP-688); amounts of the whole pod stand above those of its containers (KEP-2837). A limit exists only where a
 * container has one, and overhead adds only to limits that exist. Pure.
 */
export function podQuantities(spec: PodSpec, part: Part): Quantities {
  const running: Quantities = new Map()
  for (const { resources } of spec.containers) addTo(running, amountsOf(resources, part))
  const sidecars: Quantities = new Map()
  const steps: Quantities = new Map()
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = amountsOf(resources, part)
    if (restartPolicy === 'Always') {
      addTo(running, own)
      addTo(sidecars, own)
      raiseTo(steps, sidecars)
    } else {
      const step = new Map(sidecars)
      addTo(step, own)
      raiseTo(steps, step)
    }
  }
  raiseTo(running, steps)
  for (const [name, amount] of amountsOf(spec.resources, part)) running.set(name, amount)
  for (const [name, amount] of readAmounts(spec.overhead)) {
    const known = running.get(name)
    if (part === 'requests' || known) running.set(name, known ? addQuantities(known, amount) : amount)
  }
  return running
}

/** A list of resources, read. */
export function readAmounts(list: Readonly<Record<string, string>> | undefined): Quantities {
  return new Map(Object.entries(list ?? {}).map(([name, amount]) => [name, parseQuantity(amount)]))
}

/** Adds to each name what the other has of it. */
export function addTo(total: Quantities, more: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of more) {
    const known = total.get(name)
    total.set(name, known ? addQuantities(known, amount) : amount)
  }
}

function raiseTo(total: Quantities, floor: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of floor) {
    const known = total.get(name)
    if (!known || compareQuantities(known, amount) < 0) total.set(name, amount)
  }
}

/** Drafts leave `resources` out. */
function amountsOf(resources: ResourceRequirements | undefined, part: Part): Quantities {
  return readAmounts(resources?.[part])
}
