import type { Headroom } from './capacity.ts'

/** What can run short. */
export type PressureKind = 'memory' | 'disk' | 'pid'

/** Below which amounts the node is under pressure. */
export interface PressureThresholds {
  memoryBytes: number
  storageBytes: number
  /** Share of all inodes, 0 to 1. */
  inodesFraction: number
  processes: number
}

/**
 * Upstream's memory threshold; an absolute amount for the disk, because ten percent of a laptop's disk that the node shares with its owner
 * would keep pods away while tens of gigabytes are free.
 */
export const defaultThresholds: PressureThresholds = {
  memoryBytes: 100 * 2 ** 20,
  storageBytes: 2 ** 30,
  inodesFraction: 0.02,
  processes: 256,
}

/** What the thresholds say about a measurement, and since when it has been true. */
export class PressureWatch {
  readonly #thresholds: PressureThresholds
  readonly #relaxAfter: number
  readonly #lastSeen = new Map<PressureKind, number>()

  /** @param relaxAfter milliseconds without pressure after which it counts as over, so that a node does not waver */
  constructor(thresholds: PressureThresholds, relaxAfter: number) {
    this.#thresholds = thresholds
    this.#relaxAfter = relaxAfter
  }

  /** @param now milliseconds on a clock that never goes back */
  observe(headroom: Headroom, now: number): ReadonlySet<PressureKind> {
    for (const kind of shortages(headroom, this.#thresholds)) this.#lastSeen.set(kind, now)
    const current = new Set<PressureKind>()
    for (const [kind, seen] of this.#lastSeen) if (now - seen < this.#relaxAfter || seen === now) current.add(kind)
    return current
  }
}

/** What is short by this measurement alone. */
export function* shortages(headroom: Headroom, thresholds: PressureThresholds): Iterable<PressureKind> {
  if (headroom.memoryBytes < thresholds.memoryBytes) yield 'memory'
  const inodesShort = headroom.inodes !== undefined && headroom.inodes < headroom.inodesTotal * thresholds.inodesFraction
  if (headroom.storageBytes < thresholds.storageBytes || inodesShort) yield 'disk'
  if (headroom.processes !== undefined && headroom.processes < thresholds.processes) yield 'pid'
}
