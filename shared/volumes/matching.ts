import type { Node, PersistentVolume, PersistentVolumeClaim } from '../openapi/generated/core-v1.ts'
import { matchesTerm } from '../pods/node-affinity.ts'
import { compareQuantities, parseQuantity, type Quantity } from '../quantity/quantity.ts'
import { labelSelectorFrom } from '../selectors/label-selector.ts'
import { SelectorError } from '../selectors/selector-error.ts'
import { storageClassOf } from './storage-class.ts'

/** Whether the volume is bound, or promised, to this claim: by name, and by uid where it names one. */
export function isBoundTo({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (!claimRef || claimRef.namespace !== metadata.namespace || claimRef.name !== metadata.name) return false
  return !claimRef.uid || claimRef.uid === metadata.uid
}

/** Whether the volume can be reached from the node. */
export function isReachable({ spec }: PersistentVolume, node: Pick<Node, 'metadata'>): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  return terms === undefined || terms.some((term) => matchesTerm(term, node))
}

/** Why a volume that a claim asks for by name cannot be its; upstream's sentence, undefined when it can. */
export function misfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) return 'requested PV is too small'
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match'
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? ''))
    return 'volumeAttributesClassName does not match'
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode'
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode'
}

export interface MatchOptions {
  /** Only volumes that this node reaches; absent: wherever. */
  node?: Pick<Node, 'metadata'> | undefined
  /** The claim waits for its first consumer: without a node only a volume that is promised to it will do. */
  isDelayed: boolean
  /** Volumes that somebody has in hand. */
  isTaken?: ((volume: PersistentVolume) => boolean) | undefined
}

/**
 * The volume that is promised to the claim, else the smallest free one that satisfies it, the first by name of equals; undefined where there is
 * none (the rule of upstream's binder and scheduler).
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { node, isDelayed, isTaken }: MatchOptions,
): PersistentVolume | undefined {
  const wanted = requestOf(claim)
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (isTaken?.(volume) || (volume.spec.claimRef && !isBoundTo(volume, claim))) continue
    if (volume.metadata.deletionTimestamp || modeOf(volume) !== modeOf(claim) || compareQuantities(capacityOf(volume), wanted) < 0) continue
    const reachable = node === undefined || isReachable(volume, node)
    if (volume.spec.claimRef) return reachable ? volume : undefined
    if ((node === undefined && isDelayed) || !reachable || volume.status.phase !== 'Available') continue
    if (misfit(volume, claim) === undefined && isSelected(volume, claim) && isBetter(volume, best)) best = volume
  }
  return best
}

function isBetter(volume: PersistentVolume, best: PersistentVolume | undefined): boolean {
  if (!best) return true
  const order = compareQuantities(capacityOf(volume), capacityOf(best))
  return order < 0 || (order === 0 && (volume.metadata.name ?? '') < (best.metadata.name ?? ''))
}

function isSelected({ metadata }: PersistentVolume, { spec }: PersistentVolumeClaim): boolean {
  if (!spec.selector) return true
  try {
    return labelSelectorFrom(spec.selector).matches(metadata.labels)
  } catch (error) {
    // Validation lets none in; one that came in otherwise selects nothing.
    if (error instanceof SelectorError) return false
    throw error
  }
}

function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))
}

function modeOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec.volumeMode ?? 'Filesystem'
}

/** Bytes that a volume says it has. */
export function capacityOf({ spec }: PersistentVolume): Quantity {
  return parseQuantity(spec.capacity?.['storage'] ?? '0')
}

/** Bytes that a claim asks for. */
export function requestOf({ spec }: PersistentVolumeClaim): Quantity {
  return parseQuantity(spec.resources.requests?.['storage'] ?? '0')
}
