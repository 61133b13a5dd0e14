import type { KubeObject } from '../../shared/objects/object.ts'
import type { CustomResourceSubresourceScale } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { ResourceHooks } from '../registry/define-resource.ts'
import { fieldNames, type JsonPath, parseJsonPath, setAt, valuesAt } from './json-path.ts'

/** The scale of a custom resource: three places of the object that its definition names. */
export function scaleHooks(scale: CustomResourceSubresourceScale): NonNullable<ResourceHooks<KubeObject>['scale']> {
  const wanted = parseJsonPath(scale.specReplicasPath)
  const there = parseJsonPath(scale.statusReplicasPath)
  const selector = scale.labelSelectorPath ? parseJsonPath(scale.labelSelectorPath) : undefined
  return {
    specReplicas: (object) => countAt(wanted, object),
    setSpecReplicas: (object, replicas) => setAt(object as unknown as Record<string, unknown>, fieldNames(wanted)!, replicas),
    statusReplicas: (object) => countAt(there, object),
    selector(object) {
      const found = selector && valuesAt(selector, object)[0]
      return typeof found === 'string' ? found : ''
    },
  }
}

function countAt(path: JsonPath, object: KubeObject): number {
  const [found] = valuesAt(path, object)
  return typeof found === 'number' ? found : 0
}
