import type { AdmissionRule } from './admission.ts'

/** Finalizers by kind: the protection controllers take them off once nothing uses the object. */
const protections: Readonly<Record<string, string>> = {
  'v1 PersistentVolume': 'kubernetes.io/pv-protection',
  'v1 PersistentVolumeClaim': 'kubernetes.io/pvc-protection',
  'storage.k8s.io/v1 VolumeAttributesClass': 'kubernetes.io/vac-protection',
}

/** Nobody takes a volume away from under a pod. */
export const storageObjectInUse: AdmissionRule = {
  name: 'StorageObjectInUseProtection',
  mutate({ operation, object, subresource }) {
    const finalizer =
      operation === 'CREATE' && object && subresource === '' ? protections[`${object.apiVersion} ${object.kind}`] : undefined
    if (!object || finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer]
  },
}
