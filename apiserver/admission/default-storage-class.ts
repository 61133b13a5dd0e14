import { defaultClassOf, OLD_CLASS } from '../../shared/volumes/storage-class.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRule } from './admission.ts'

/** A claim that names no class gets the default one; an empty name says that none is wanted. */
export const defaultStorageClass: AdmissionRule = {
  name: 'DefaultStorageClass',
  mutate({ operation, object, context }) {
    const claim = operation === 'CREATE' ? asKind(object, 'v1', 'PersistentVolumeClaim') : undefined
    if (!claim || claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[OLD_CLASS] !== undefined) return
    const chosen = defaultClassOf(context.reader.list('storage.k8s.io/v1', 'StorageClass'))?.metadata.name
    if (chosen !== undefined) claim.spec.storageClassName = chosen
  },
}
