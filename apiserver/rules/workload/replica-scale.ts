import type { KubeObject } from '../../../shared/objects/object.ts'
import type { LabelSelector } from '../../../shared/openapi/generated/meta-v1.ts'
import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import type { ResourceHooks } from '../../registry/define-resource.ts'

/** What kinds with a number of pods and a selector in its object form have in common. */
interface Scaled extends KubeObject {
  spec: { replicas?: number | undefined; selector: LabelSelector }
  status: { replicas?: number | undefined }
}

/** The scale sub-resource of a kind that keeps a number of pods. */
export function replicaScale<T extends Scaled>(): NonNullable<ResourceHooks<T>['scale']> {
  return {
    specReplicas: ({ spec }) => spec.replicas ?? 1,
    setSpecReplicas: ({ spec }, replicas) => {
      spec.replicas = replicas
    },
    statusReplicas: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => labelSelectorFrom(spec.selector).toString(),
  }
}
