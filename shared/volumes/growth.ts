import { isTrue } from '../objects/conditions.ts'
import type { PersistentVolumeClaim } from '../openapi/generated/core-v1.ts'
import { timestamp } from '../time/timestamp.ts'

type Status = PersistentVolumeClaim['status']

const RESIZING = 'Resizing'
const FILE_SYSTEM_PENDING = 'FileSystemResizePending'
/** States of `status.allocatedResourceStatuses.storage` that are the node's (KEP-1790). */
const NODE_STATES = ['NodeResizePending', 'NodeResizeInProgress']

/** The storage has grown, and the file system on it waits for the node where a pod has it. */
export function isNodeAwaited(status: Status): boolean {
  const state = status.allocatedResourceStatuses?.['storage'] ?? ''
  return state === '' ? isTrue(status.conditions, FILE_SYSTEM_PENDING) : NODE_STATES.includes(state)
}

/** The claim's status once growing to `size` has been begun by the controller. */
export function begun(status: Status, size: string, now: number): Status {
  return {
    ...allocated(status, size, 'ControllerResizeInProgress'),
    conditions: withCondition(without(status, [FILE_SYSTEM_PENDING]), { type: RESIZING, status: 'True' }, now),
  }
}

/** The claim's status once the storage is there; what follows is the node's. */
export function handedOver(status: Status, size: string, now: number): Status {
  const message = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.'
  return {
    ...allocated(status, size, 'NodeResizePending'),
    conditions: withCondition(without(status, [RESIZING]), { type: FILE_SYSTEM_PENDING, status: 'True', message }, now),
  }
}

/** The claim's status while the node is at it, or once the node has said that it cannot. */
export function atNode(status: Status, state: 'NodeResizeInProgress' | 'NodeResizeInfeasible'): Status {
  return { ...status, allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: state } }
}

/** The claim's status once the volume is `size` large for its pods too. */
export function grown(status: Status, size: string): Status {
  const { allocatedResourceStatuses, conditions: _, ...others } = status
  const states = Object.entries(allocatedResourceStatuses ?? {}).filter(([name]) => name !== 'storage')
  const conditions = without(status, [RESIZING, FILE_SYSTEM_PENDING])
  return {
    ...others,
    capacity: { ...status.capacity, storage: size },
    ...(states.length > 0 ? { allocatedResourceStatuses: Object.fromEntries(states) } : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
  }
}

function allocated(status: Status, size: string, state: string): Status {
  return {
    ...status,
    allocatedResources: { ...status.allocatedResources, storage: size },
    allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: state },
  }
}

type Conditions = NonNullable<Status['conditions']>

function without({ conditions }: Status, types: readonly string[]): Conditions {
  return (conditions ?? []).filter(({ type }) => !types.includes(type))
}

function withCondition(conditions: Conditions, wanted: { type: string; status: 'True'; message?: string }, now: number): Conditions {
  const present = conditions.find(({ type, status }) => type === wanted.type && status === wanted.status)
  if (present) return conditions
  return [...conditions.filter(({ type }) => type !== wanted.type), { ...wanted, lastTransitionTime: timestamp(now) }]
}
