import { storageClassOf } from '../../../shared/volumes/storage-class.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { accessModesCell } from '../../rules/volume/access-modes.ts'
import {
  claimProblems,
  claimStatusProblems,
  claimUpdateProblems,
  claimWarnings,
  normalizeDataSources,
} from '../../rules/volume/persistent-volume-claim.ts'

const UNSET = '<unset>'

export default defineResource('v1', 'PersistentVolumeClaim', {
  shortNames: ['pvc'],
  generation: false,
  answersDeletedObject: true,
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    {
      name: 'Status',
      description: 'Phase',
      value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? '')),
    },
    { name: 'Volume', description: 'Volume that it is bound to', value: ({ spec }) => spec.volumeName ?? '' },
    {
      name: 'Capacity',
      description: 'How much the volume holds',
      value: ({ spec, status }) => (spec.volumeName ? (status.capacity?.['storage'] ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      description: 'How the volume may be mounted',
      value: ({ spec, status }) => (spec.volumeName ? accessModesCell(status.accessModes) : ''),
    },
    {
      name: 'StorageClass',
      description: 'Class that it asks for',
      value: storageClassOf,
    },
    { name: 'VolumeAttributesClass', description: 'Class of attributes', value: ({ spec }) => spec.volumeAttributesClassName ?? UNSET },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'VolumeMode', priority: 1, description: 'Files or a device', value: ({ spec }) => spec.volumeMode ?? UNSET },
  ],

  applyDefaults({ spec }) {
    spec.volumeMode ??= 'Filesystem'
  },
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' }
    normalizeDataSources(claim.spec)
  },
  validate: ({ spec }) => claimProblems(spec, 'spec'),
  validateUpdate: claimUpdateProblems,
  validateStatusUpdate: claimStatusProblems,
  warnings: claimWarnings,
})
