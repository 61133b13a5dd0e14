import type { Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { amountsOf } from '../../shared/pods/resource-requests.ts'
import { addQuantities, formatQuantity, parseQuantity, type Quantity, quantityValue, zero } from '../../shared/quantity/quantity.ts'
import type { Verdict } from './pod-admission.ts'

/** What a pod gets that is evicted at once (upstream's figure). */
export const IMMEDIATE_GRACE_SECONDS = 1
const STORAGE = 'ephemeral-storage'

/** What a pod takes of the node's disk, in bytes. */
export interface StorageUse {
  /** emptyDirs on disk, by volume. */
  volumes: ReadonlyMap<string, number>
  /** What containers have written into their own file systems and logs, by container. */
  containers: ReadonlyMap<string, number>
}

/** emptyDirs that are on disk: those in memory have their limit from the kernel. */
export function volumesOnDisk({ spec }: Pod): Volume[] {
  return (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined && !emptyDir.medium)
}

/** Whether there is anything to measure a pod for. */
export function hasStorageLimits(pod: Pod): boolean {
  return volumesOnDisk(pod).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) || podLimit(pod) > 0
}

/** The pod's end when it takes more than it may, in upstream's order and words. */
export function storageVerdict(pod: Pod, use: StorageUse): Verdict | undefined {
  for (const { name, emptyDir } of volumesOnDisk(pod)) {
    const limit = amountsOf(emptyDir?.sizeLimit === undefined ? {} : { size: emptyDir.sizeLimit }).get('size') ?? 0
    if (limit > 0 && (use.volumes.get(name) ?? 0) > limit) {
      return evicted(`Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(emptyDir?.sizeLimit)}. `)
    }
  }
  const total = [...use.volumes.values(), ...use.containers.values()].reduce((sum, one) => sum + one, 0)
  const limit = podLimit(pod)
  if (limit > 0 && total > limit)
    return evicted(`Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(podQuantity(pod))}. `)
  for (const { name, resources } of pod.spec.containers) {
    const own = amountsOf(resources.limits).get(STORAGE) ?? 0
    if (own > 0 && (use.containers.get(name) ?? 0) > own) {
      return evicted(`Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(resources.limits?.[STORAGE])}. `)
    }
  }
  return undefined
}

/** The sum over the containers that have a limit. */
function podLimit(pod: Pod): number {
  return quantityValue(podQuantity(pod))
}

function podQuantity({ spec }: Pod): Quantity {
  return spec.containers.reduce((sum, { resources }) => addQuantities(sum, parseQuantity(resources.limits?.[STORAGE] ?? '0')), zero)
}

function evicted(message: string): Verdict {
  return { phase: 'Failed', reason: 'Evicted', message, graceSeconds: IMMEDIATE_GRACE_SECONDS, isDisruption: true }
}
