import type { PodTemplateSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { Column } from '../../registry/define-resource.ts'
import { containerImages, containerNames } from '../table-cells.ts'

/**
 * The columns that `kubectl get -o wide` adds for every kind that makes pods: what they run, and which they are.
 * @param template of the pods; absent where the kind allows that
 * @param selector its text
 */
export function templateColumns<T>(
  template: (object: T) => PodTemplateSpec | undefined,
  selector: (object: T) => string,
  whose = 'Which pods belong to it',
): readonly Column<T>[] {
  const containers = (object: T) => template(object)?.spec.containers ?? []
  return [
    { name: 'Containers', priority: 1, description: 'Names of the containers', value: (object) => containerNames(containers(object)) },
    { name: 'Images', priority: 1, description: 'Images of the containers', value: (object) => containerImages(containers(object)) },
    { name: 'Selector', priority: 1, description: whose, value: selector },
  ]
}
