import type { Node, NodeCondition, Taint } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'

export const NOT_READY_TAINT = 'node.kubernetes.io/not-ready'
export const UNREACHABLE_TAINT = 'node.kubernetes.io/unreachable'

/** Conditions that the kubelet reports, and that nobody knows any more when it falls silent. */
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** Which condition value puts which NoSchedule taint on a node (KEP-382, taint nodes by condition). */
const TAINT_BY_CONDITION: readonly (readonly [type: string, status: string, taint: string])[] = [
  ['Ready', 'False', NOT_READY_TAINT],
  ['Ready', 'Unknown', UNREACHABLE_TAINT],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
]

const MANAGED = new Set([...TAINT_BY_CONDITION.map(([, , taint]) => taint), 'node.kubernetes.io/unschedulable'])

export function readyOf(node: Node): NodeCondition | undefined {
  return node.status.conditions?.find(({ type }) => type === 'Ready')
}

/** The conditions of a node that has fallen silent: whatever it said last, nobody knows now. */
export function silentConditions(node: Node, now: number): NodeCondition[] {
  const others = (node.status.conditions ?? []).filter(({ type }) => !REPORTED.includes(type))
  const unknown = REPORTED.map((type): NodeCondition => {
    const known = node.status.conditions?.find((condition) => condition.type === type)
    const never = known === undefined
    if (known?.status === 'Unknown') return known
    return {
      type,
      status: 'Unknown',
      reason: never ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message: never ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
      lastHeartbeatTime: known?.lastHeartbeatTime ?? node.metadata.creationTimestamp ?? timestamp(now),
      lastTransitionTime: timestamp(now),
    }
  })
  return [...unknown, ...others]
}

/**
 * The taints a node's conditions call for; taints of others stay as they are. `timeAdded` of a taint that stays is kept: evictions
 * count from it. Without `mayEvict` the node gets, and keeps, none of those that evict.
 */
export function taintsFor(node: Node, now: number, mayEvict = true): Taint[] {
  const current = node.spec.taints ?? []
  const wanted: Taint[] = []
  const want = (key: string, effect: string) => {
    const known = current.find((taint) => taint.key === key && taint.effect === effect)
    wanted.push(known ?? { key, effect, ...(effect === 'NoExecute' ? { timeAdded: timestamp(now) } : {}) })
  }
  for (const { type, status } of node.status.conditions ?? []) {
    for (const [conditionType, value, taint] of TAINT_BY_CONDITION)
      if (type === conditionType && status === value) want(taint, 'NoSchedule')
  }
  // A node that has said nothing at all yet is not ready; the API server tainted it so when it was made.
  if (readyOf(node) === undefined && current.some(({ key }) => key === NOT_READY_TAINT)) want(NOT_READY_TAINT, 'NoSchedule')
  if (node.spec.unschedulable) want('node.kubernetes.io/unschedulable', 'NoSchedule')
  if (mayEvict) {
    const ready = readyOf(node)?.status
    if (ready === 'False') want(NOT_READY_TAINT, 'NoExecute')
    if (ready === 'Unknown') want(UNREACHABLE_TAINT, 'NoExecute')
  }
  return [...current.filter(({ key }) => !MANAGED.has(key)), ...wanted]
}

/** Whether the node has a taint of its health that evicts. */
export function isEvicting(node: Node): boolean {
  return (node.spec.taints ?? []).some(
    ({ key, effect }) => effect === 'NoExecute' && (key === NOT_READY_TAINT || key === UNREACHABLE_TAINT),
  )
}
