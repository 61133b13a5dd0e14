import { compareQuantities, parseQuantity } from '../../shared/quantity/quantity.ts'
import { storageClassOf } from '../../shared/volumes/storage-class.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

/** A claim grows only where somebody can make its volume larger. */
export const claimResize: AdmissionRule = {
  name: 'PersistentVolumeClaimResize',
  validate(request) {
    if (request.operation !== 'UPDATE' || request.subresource !== '') return
    const [next, previous] = [
      asKind(request.object, 'v1', 'PersistentVolumeClaim'),
      asKind(request.previous, 'v1', 'PersistentVolumeClaim'),
    ]
    if (!next || !previous) return
    const amount = (claim: typeof next) => parseQuantity(claim.spec.resources.requests?.['storage'] ?? '0')
    if (compareQuantities(amount(next), amount(previous)) <= 0) return
    if (previous.status.phase !== 'Bound') throw refusal(request, 'Only bound persistent volume claims can be expanded')
    const name = storageClassOf(next)
    const found = name ? request.context.reader.get('storage.k8s.io/v1', 'StorageClass', { name }) : undefined
    if (found?.allowVolumeExpansion) return
    const why = 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
    throw refusal(request, why)
  },
}
