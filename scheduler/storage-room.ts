import type { Node, PersistentVolumeClaim } from '../shared/openapi/generated/core-v1.ts'
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '../shared/openapi/generated/storage-v1.ts'
import { compareQuantities, parseQuantity, type Quantity } from '../shared/quantity/quantity.ts'
import { type LabelSelector, labelSelectorFrom } from '../shared/selectors/label-selector.ts'
import { requestOf } from '../shared/volumes/matching.ts'

/** Room for new volumes of a class in a part of the cluster. */
interface Room {
  readonly nodes: LabelSelector
  /** The largest volume. */
  readonly limit: Quantity
}

/** Where drivers have room for new volumes, as they say it (KEP-1472): only of those whose CSIDriver says that they do. */
export class StorageRoom {
  readonly drivers = new Map<string, CSIDriver>()
  /** By class, then by `namespace/name`. */
  readonly #rooms = new Map<string, Map<string, Room>>()

  set(key: string, current: CSIStorageCapacity | undefined, previous: CSIStorageCapacity | undefined): void {
    if (previous) this.#rooms.get(previous.storageClassName)?.delete(key)
    if (this.#rooms.get(previous?.storageClassName ?? '')?.size === 0) this.#rooms.delete(previous?.storageClassName ?? '')
    const { nodeTopology, storageClassName, maximumVolumeSize, capacity } = current ?? {}
    const limit = maximumVolumeSize ?? capacity
    // No topology is nowhere, no number is no room.
    if (storageClassName === undefined || !nodeTopology || limit === undefined) return
    const rooms = this.#rooms.get(storageClassName) ?? new Map<string, Room>()
    this.#rooms.set(storageClassName, rooms.set(key, { nodes: labelSelectorFrom(nodeTopology), limit: parseQuantity(limit) }))
  }

  /** Whether a volume for the claim can be made where the node reaches it. */
  isFor(claim: PersistentVolumeClaim, { metadata: { name = '' }, provisioner }: StorageClass, { metadata }: Node): boolean {
    if (!this.drivers.get(provisioner)?.spec.storageCapacity || claim.spec.resources.requests?.['storage'] === undefined) return true
    const wanted = requestOf(claim)
    for (const { nodes, limit } of this.#rooms.get(name)?.values() ?? []) {
      if (compareQuantities(limit, wanted) >= 0 && nodes.matches(metadata.labels ?? {})) return true
    }
    return false
  }
}
