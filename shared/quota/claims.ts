import type { KubeObject } from '../objects/object.ts'
import type { PersistentVolumeClaim } from '../openapi/generated/core-v1.ts'
import type { Quantities } from '../pods/pod-quantities.ts'
import { parseQuantity } from '../quantity/quantity.ts'
import { meets } from '../selectors/value-operators.ts'
import { countName, one, type QuotaKind } from './quota-kind.ts'

const COUNT = countName('', 'persistentvolumeclaims')
const OF_CLASS = '.storageclass.storage.k8s.io/'
const plain: ReadonlySet<string> = new Set([COUNT, 'persistentvolumeclaims', 'requests.storage'])
/** Before there was the field. */
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

/** Claims: their number and size, altogether and by storage class. They may grow. */
export const claimQuota: QuotaKind = {
  ...{ group: '', resource: 'persistentvolumeclaims' },
  charges: (_operation, subresource) => subresource === '',
  counts: (name) => plain.has(name) || name.endsWith(`${OF_CLASS}persistentvolumeclaims`) || name.endsWith(`${OF_CLASS}requests.storage`),
  usage(object) {
    const usage: Quantities = new Map([
      [COUNT, one],
      ['persistentvolumeclaims', one],
    ])
    if (!isClaim(object)) return usage
    const storageClass = object.metadata.annotations?.[CLASS_ANNOTATION] || object.spec.storageClassName
    if (storageClass) usage.set(`${storageClass}${OF_CLASS}persistentvolumeclaims`, one)
    const asked = object.spec.resources.requests?.['storage']
    if (asked === undefined) return usage
    const size = parseQuantity(asked)
    usage.set('requests.storage', size)
    if (storageClass) usage.set(`${storageClass}${OF_CLASS}requests.storage`, size)
    return usage
  },
  isIn({ scopeName, operator, values = [] }, object) {
    if (scopeName !== 'VolumeAttributesClass' || !isClaim(object)) return false
    const { spec, status } = object
    // While a claim moves from one class to another it counts in each of them.
    const classes = [spec.volumeAttributesClassName, status.currentVolumeAttributesClassName].flatMap((name) => name || [])
    if (classes.length === 0) return meets(operator, values, undefined)
    return classes.some((name) => meets(operator, values, name))
  },
}

function isClaim(object: KubeObject): object is PersistentVolumeClaim {
  return object.apiVersion === 'v1' && object.kind === 'PersistentVolumeClaim'
}
