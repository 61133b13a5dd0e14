import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRule } from './admission.ts'

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const

/** A new node takes no Pods until the node life-cycle controller has seen it Ready. */
export const taintNodesByCondition: AdmissionRule = {
  name: 'TaintNodesByCondition',
  mutate({ operation, object, subresource }) {
    const node = operation === 'CREATE' && subresource === '' ? asKind(object, 'v1', 'Node') : undefined
    if (!node || node.spec.taints?.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return
    node.spec.taints = [...(node.spec.taints ?? []), { ...NOT_READY }]
  },
}
