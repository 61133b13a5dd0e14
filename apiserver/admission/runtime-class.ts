import type { AdmissionRule } from './admission.ts'
import { asKind } from './as-kind.ts'
import { refusal } from './refuse.ts'

/**
 * A Pod runs under the runtime class that it names, and overhead comes from there. No such kind is served, so every name is one too many:
 * accepting it would run the pod without the isolation that its author counts on.
 */
export const runtimeClass: AdmissionRule = {
  name: 'RuntimeClass',
  validate(request) {
    const pod = request.operation === 'CREATE' ? asKind(request.object, 'v1', 'Pod') : undefined
    if (!pod) return
    const { runtimeClassName, overhead } = pod.spec
    if (runtimeClassName) throw refusal(request, `pod rejected: RuntimeClass "${runtimeClassName}" not found`)
    if (overhead && Object.keys(overhead).length > 0) {
      throw refusal(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    }
  },
}
