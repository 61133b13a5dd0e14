import { NODE_FOLDER } from '../../shared/volumes/annotations.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type RequiredObject, required } from './ensure.ts'

/**
 * The class of claims that name none: a folder on the node of the first pod. Only for a cluster without any class: coming back beside one that
 * people chose instead it would be the newer default, and win.
 */
export function requiredStorageClass(reader: ObjectReader): RequiredObject[] {
  if (reader.list('storage.k8s.io/v1', 'StorageClass').length > 0) return []
  return [
    required('storage.k8s.io/v1', 'StorageClass', {
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: NODE_FOLDER,
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    }),
  ]
}
