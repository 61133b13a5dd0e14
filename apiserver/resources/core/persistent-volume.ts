import { timestamp } from '../../../shared/time/timestamp.ts'
import { OLD_CLASS, storageClassOf } from '../../../shared/volumes/storage-class.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { accessModesCell } from '../../rules/volume/access-modes.ts'
import { defaultPersistentVolume, persistentVolumeProblems, persistentVolumeUpdateProblems } from '../../rules/volume/persistent-volume.ts'

const UNSET = '<unset>'

export default defineResource('v1', 'PersistentVolume', {
  shortNames: ['pv'],
  generation: false,
  answersDeletedObject: true,
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    { name: 'Capacity', description: 'How much it holds', value: ({ spec }) => spec.capacity?.['storage'] ?? '0' },
    { name: 'Access Modes', description: 'How it may be mounted', value: ({ spec }) => accessModesCell(spec.accessModes) },
    {
      name: 'Reclaim Policy',
      description: 'What becomes of it when its claim is gone',
      value: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
    },
    {
      name: 'Status',
      description: 'Phase',
      value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? '')),
    },
    {
      name: 'Claim',
      description: 'Claim that it is bound to',
      value: ({ spec: { claimRef } }) => (claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : ''),
    },
    {
      name: 'StorageClass',
      description: 'Class that it belongs to',
      value: storageClassOf,
    },
    { name: 'VolumeAttributesClass', description: 'Class of its attributes', value: ({ spec }) => spec.volumeAttributesClassName ?? UNSET },
    { name: 'Reason', description: 'Why it is in this phase', value: ({ status }) => status.reason ?? '' },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'VolumeMode', priority: 1, description: 'Files or a device', value: ({ spec }) => spec.volumeMode ?? UNSET },
  ],

  applyDefaults: ({ spec }) => defaultPersistentVolume(spec),
  prepareForCreate(volume, { clock }) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: timestamp(clock.now()) }
  },
  prepareForStatusUpdate(next, previous, { clock }) {
    const { status } = next
    if (status.phase === previous.status.phase) return
    if (!status.lastPhaseTransitionTime || status.lastPhaseTransitionTime === previous.status.lastPhaseTransitionTime)
      status.lastPhaseTransitionTime = timestamp(clock.now())
  },
  validate: ({ spec }) => persistentVolumeProblems(spec, 'spec'),
  validateUpdate: persistentVolumeUpdateProblems,
  *warnings({ metadata, spec }) {
    if (metadata.annotations?.[OLD_CLASS] !== undefined)
      yield `metadata.annotations[${OLD_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`
    if (spec.persistentVolumeReclaimPolicy === 'Recycle')
      yield 'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'
  },
})
