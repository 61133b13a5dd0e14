import { tolerates } from '../../shared/pods/tolerations.ts'
import type { SchedulingPlugin } from '../framework.ts'

const CORDON_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** Cordoned nodes take nobody, but for pods that tolerate the cordon's own taint. */
export const nodeUnschedulable: SchedulingPlugin = {
  name: 'NodeUnschedulable',
  freedBy: ['nodeAdded', 'nodeUpdated'],
  helps: (_info, change) => 'node' in change && !change.node.isCordoned && (change.what !== 'nodeUpdated' || change.altered.cordon),
  filter(info) {
    if (info.tolerations.some((toleration) => tolerates(toleration, CORDON_TAINT))) return undefined
    return ({ isCordoned }) => (isCordoned ? 'node(s) were unschedulable' : undefined)
  },
}
