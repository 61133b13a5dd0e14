import type { KubeObject } from '../../../shared/objects/object.ts'
import type { PodTemplateSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { Column } from '../../registry/define-resource.ts'
import { templateColumns } from './template-columns.ts'

/** What ReplicaSet and ReplicationController have in common. */
interface Replicas extends KubeObject {
  spec: { replicas?: number | undefined; template?: PodTemplateSpec | undefined }
  status: { replicas: number; readyReplicas?: number | undefined }
}

/** The printed columns of a kind that keeps a number of equal pods; only its selector's form is its own. */
export function replicaColumns<T extends Replicas>(selector: (object: T) => string): readonly Column<T>[] {
  return [
    { name: 'Desired', type: 'integer', description: 'Wanted pods', value: ({ spec }) => spec.replicas },
    { name: 'Current', type: 'integer', description: 'Pods there are', value: ({ status }) => status.replicas },
    { name: 'Ready', type: 'integer', description: 'Ready pods', value: ({ status }) => status.readyReplicas },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp ?? undefined },
    ...templateColumns<T>(({ spec }) => spec.template, selector),
  ]
}
