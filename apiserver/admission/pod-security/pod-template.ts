import type { KubeObject } from '../../../shared/objects/object.ts'
import type { PodTemplateSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { asKind } from '../../registry/as-kind.ts'

type Template = (object: KubeObject) => PodTemplateSpec | undefined

/** Where kinds that make pods have the template of them; by kind. */
const templates: ReadonlyMap<string, Template> = new Map<string, Template>([
  ['PodTemplate', (object) => asKind(object, 'v1', 'PodTemplate')?.template],
  ['ReplicationController', (object) => asKind(object, 'v1', 'ReplicationController')?.spec.template],
  ['ReplicaSet', (object) => asKind(object, 'apps/v1', 'ReplicaSet')?.spec.template],
  ['Deployment', (object) => asKind(object, 'apps/v1', 'Deployment')?.spec.template],
  ['StatefulSet', (object) => asKind(object, 'apps/v1', 'StatefulSet')?.spec.template],
  ['DaemonSet', (object) => asKind(object, 'apps/v1', 'DaemonSet')?.spec.template],
  ['Job', (object) => asKind(object, 'batch/v1', 'Job')?.spec.template],
  ['CronJob', (object) => asKind(object, 'batch/v1', 'CronJob')?.spec.jobTemplate.spec.template],
])

/** What the pods of this object will look like; undefined for everything that makes none. */
export function podTemplateOf(object: KubeObject): PodTemplateSpec | undefined {
  return templates.get(object.kind)?.(object)
}
