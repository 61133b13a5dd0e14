import type { Capacity, Headroom } from '../node/capacity.ts'
import type { PressureKind } from '../node/pressure.ts'

/** What can run short on a node, by upstream's names. */
export type Signal =
  | 'memory.available'
  | 'allocatableMemory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'pid.available'

/** What pods are judged by when a signal says that there is too little. */
export type Starved = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'

/** The condition of the node that a signal makes, and what is short then. Order is that in which shortages are met: memory first, as upstream. */
export const SIGNALS: Readonly<Record<Signal, { pressure: PressureKind; starved: Starved }>> = {
  'memory.available': { pressure: 'memory', starved: 'memory' },
  'allocatableMemory.available': { pressure: 'memory', starved: 'memory' },
  'nodefs.available': { pressure: 'disk', starved: 'ephemeral-storage' },
  'imagefs.available': { pressure: 'disk', starved: 'ephemeral-storage' },
  'nodefs.inodesFree': { pressure: 'disk', starved: 'inodes' },
  'imagefs.inodesFree': { pressure: 'disk', starved: 'inodes' },
  'pid.available': { pressure: 'pid', starved: 'pids' },
}

export function isSignal(name: string): name is Signal {
  return Object.hasOwn(SIGNALS, name)
}

/** How much there is and how much there could be; in bytes, files or processes. */
export interface Amount {
  available: number
  capacity: number
}

/** What was measured. A signal that this machine cannot measure is missing. */
export type Observations = ReadonlyMap<Signal, Amount>

/**
 * @param images headroom of the file system of the images; only its disk counts
 * @param pods memory of what all pods may have together; undefined: they are not held
 */
export function observationsOf(
  capacity: Pick<Capacity, 'memoryBytes'>,
  node: Headroom,
  images: Headroom,
  pods: Amount | undefined,
): Observations {
  const found = new Map<Signal, Amount>([
    ['memory.available', { available: node.memoryBytes, capacity: capacity.memoryBytes }],
    ['nodefs.available', { available: node.storageBytes, capacity: node.storageTotal }],
    ['imagefs.available', { available: images.storageBytes, capacity: images.storageTotal }],
  ])
  if (pods) found.set('allocatableMemory.available', pods)
  if (node.inodes !== undefined) found.set('nodefs.inodesFree', { available: node.inodes, capacity: node.inodesTotal })
  if (images.inodes !== undefined) found.set('imagefs.inodesFree', { available: images.inodes, capacity: images.inodesTotal })
  if (node.processes !== undefined)
    found.set('pid.available', { available: node.processes, capacity: node.processesTotal ?? node.processes })
  return found
}
