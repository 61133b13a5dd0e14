import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { conflict, invalid } from '../../../shared/errors/status-error.ts'
import type { Binding, Pod } from '../../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import type { SubresourceAction } from '../../registry/define-resource.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { success } from '../success-status.ts'

const pods = { group: '', resource: 'pods/binding' }

/** `pods/binding`: gives a pod its node, once. */
export const bindingAction: SubresourceAction<Pod> = {
  kind: { group: '', version: 'v1', kind: 'Binding' },
  async run(call) {
    const binding = decodeObject('v1', 'Binding', call.body, { fieldValidation: 'Ignore' }) as Binding
    const { target } = binding
    const name = call.parent.metadata.name ?? ''
    if (target.kind && target.kind !== 'Node') {
      throw invalid({ group: '', kind: 'Binding' }, name, [fieldProblem.notSupported('target.kind', target.kind, ['Node', '<empty>'])])
    }
    if (!target.name) throw invalid({ group: '', kind: 'Binding' }, name, [fieldProblem.required('target.name')])
    const { uid } = binding.metadata
    const now = timestamp(call.context.clock.now())
    await call.update((pod) => {
      if (uid && uid !== pod.metadata.uid) {
        throw conflict(pods, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`)
      }
      if (pod.metadata.deletionTimestamp) throw conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`)
      if (pod.spec.nodeName) throw conflict(pods, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`)
      if (pod.spec.schedulingGates?.length) throw conflict(pods, name, `pod ${name} has non-empty .spec.schedulingGates`)
      bind(pod, binding, now)
    })
    return success(201)
  },
}

function bind(pod: Pod, binding: Binding, now: string): void {
  const { annotations } = binding.metadata
  pod.spec.nodeName = binding.target.name
  pod.status.nominatedNodeName = undefined
  if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations }
  const others = (pod.status.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now }
  pod.status.conditions = [...others, pod.metadata.generation ? { ...scheduled, observedGeneration: pod.metadata.generation } : scheduled]
}
