import type { Node, Pod, PodSpec, Toleration } from '../../shared/openapi/generated/core-v1.ts'
import { matchesNode } from '../../shared/pods/node-affinity.ts'
import { firstUntolerated, keepsOff } from '../../shared/pods/tolerations.ts'

const always = (key: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect })

/** What every daemon bears: it serves the node, and is the last that leaves it. */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  always('not-ready', 'NoExecute'),
  always('unreachable', 'NoExecute'),
  always('disk-pressure', 'NoSchedule'),
  always('memory-pressure', 'NoSchedule'),
  always('pid-pressure', 'NoSchedule'),
  always('unschedulable', 'NoSchedule'),
]
/** And those on the node's own network, which may be what brings the pod network up. */
const NETWORK_TOLERATION = always('network-unavailable', 'NoSchedule')

/** The tolerations of a daemon's pod: the template's, and those that all daemons have. A toleration of the same taint is replaced. */
export function daemonTolerations(spec: PodSpec): Toleration[] {
  const wanted = spec.hostNetwork ? [...DAEMON_TOLERATIONS, NETWORK_TOLERATION] : DAEMON_TOLERATIONS
  const others = (spec.tolerations ?? []).filter((own) => !wanted.some((each) => isSame(own, each)))
  return [...others, ...wanted]
}

function isSame(left: Toleration, right: Toleration): boolean {
  return left.key === right.key && left.operator === right.operator && left.effect === right.effect && (left.value ?? '') === ''
}

/** The spec of a daemon's pod for one node. The scheduler puts it there: nothing else matches this affinity. */
export function daemonPodSpec(spec: PodSpec, node: string): PodSpec {
  const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }]
  const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  return { ...spec, tolerations: daemonTolerations(spec), affinity: { ...spec.affinity, nodeAffinity } }
}

/** The node that a daemon's pod is on or meant for; undefined for a pod that nobody made for one node. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === 'metadata.name' && operator === 'In' && values.length === 1) return values[0]
    }
  }
  return undefined
}

/** Whether a daemon belongs on a node. */
export interface Place {
  /** One is to be made if there is none. */
  readonly shouldRun: boolean
  /** One that is there may stay. */
  readonly mayStay: boolean
}

const NOWHERE: Place = { shouldRun: false, mayStay: false }

/** Pure: name, selector and affinity decide, then the taints. A NoSchedule taint keeps new ones off and drives none away. */
export function placeOn(node: Node, spec: PodSpec): Place {
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return NOWHERE
  if (!matchesNode(spec, node)) return NOWHERE
  const tolerations = daemonTolerations(spec)
  if (!firstUntolerated(node.spec.taints, tolerations, keepsOff)) return { shouldRun: true, mayStay: true }
  return { shouldRun: false, mayStay: !firstUntolerated(node.spec.taints, tolerations, ({ effect }) => effect === 'NoExecute') }
}
