import type { PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { compareQuantities, parseQuantity } from '../../shared/quantity/quantity.ts'
import { NODE_FOLDER, PROVISIONED_BY } from '../../shared/volumes/annotations.ts'
import { isNodeAwaited } from '../../shared/volumes/growth.ts'
import { capacityOf } from '../../shared/volumes/matching.ts'

/** What becomes of a bound claim that asks for more than it has. */
export type GrowthPlan =
  | { step: 'nothing' }
  /** The volume is another's to enlarge: a CSI driver's side-car, or a person. */
  | { step: 'elsewhere' }
  | {
      step: 'grow'
      /** What the claim will have. */
      size: string
      /** The volume says less so far. */
      isVolumeSmaller: boolean
      /** Its node has work to do before the pods see it: there may be a file system on a device. */
      needsNode: boolean
    }

/**
 * Folders of nodes and paths of hosts have no size but the one that is written down, and grow by that; local volumes grow because their disk was
 * enlarged by whoever raises the claim, and their nodes then enlarge the file system (upstream's rule for both). Pure.
 *
 * What was begun is brought to its end first, also when less is asked for by then: sizes of volumes never go back. Only what a node said to be
 * infeasible is given up for what is asked now (KEP-1790).
 */
export function planGrowth({ spec, status }: PersistentVolumeClaim, volume: PersistentVolume): GrowthPlan {
  const has = status.capacity?.['storage'] ?? '0'
  const asked = spec.resources.requests?.['storage'] ?? '0'
  const begun = status.allocatedResources?.['storage']
  const state = status.allocatedResourceStatuses?.['storage']
  const isInfeasible = state?.endsWith('Infeasible') ?? false
  // It would be infeasible again.
  if (isInfeasible && begun !== undefined && !isMore(asked, begun) && !isMore(begun, asked)) return { step: 'nothing' }
  const isBegun = begun !== undefined && state !== undefined && !isInfeasible && isMore(begun, has)
  const wanted = isBegun ? begun : asked
  const isLarger = compareQuantities(capacityOf(volume), parseQuantity(wanted)) > 0
  // The volume was raised already, by a growth that was cut short and then taken back: the larger size is what there is.
  const size = isLarger && state !== undefined && !isInfeasible ? (volume.spec.capacity?.['storage'] ?? wanted) : wanted
  if (!isMore(size, has)) return { step: 'nothing' }
  const kind = kindOf(volume)
  if (kind === 'other') return { step: 'elsewhere' }
  const needsNode = kind === 'local'
  const isVolumeSmaller = compareQuantities(capacityOf(volume), parseQuantity(size)) < 0
  if (needsNode && !isVolumeSmaller && !isInfeasible && isNodeAwaited(status)) return { step: 'nothing' }
  return { step: 'grow', size, isVolumeSmaller, needsNode }
}

function kindOf({ metadata, spec }: PersistentVolume): 'folder' | 'local' | 'other' {
  if (metadata.annotations?.[PROVISIONED_BY] === NODE_FOLDER || spec.hostPath) return 'folder'
  return spec.local ? 'local' : 'other'
}

function isMore(left: string, right: string): boolean {
  return compareQuantities(parseQuantity(left), parseQuantity(right)) > 0
}
