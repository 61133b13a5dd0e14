import type { KubeObject } from '../../shared/objects/object.ts'
import type { Column } from './define-resource.ts'
import type { Resource } from './resource-table.ts'

/** autoscaling/v1 Scale: the one number that scalers share, whatever the kind. */
export interface Scale extends KubeObject {
  spec: { replicas?: number | undefined }
  status: { replicas: number; selector?: string | undefined }
}

export function scaleOf(resource: Resource, object: KubeObject): Scale {
  const scale = resource.definition.hooks.scale!
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: scale.specReplicas(object) },
    status: { replicas: scale.statusReplicas(object), selector: scale.selector(object) },
  }
}

/** What `kubectl get --subresource=scale` prints, as upstream's printer does. */
export const scaleColumns: readonly Column<Scale>[] = [
  { name: 'Desired', type: 'integer', description: 'Wanted pods', value: ({ spec }) => spec.replicas },
  { name: 'Available', type: 'integer', description: 'Pods there are', value: ({ status }) => status.replicas },
]
