import type { Informers } from '../shared/informer/informer.ts'
import type { VolumeKind } from './cluster-change.ts'
import type { VolumeState } from './volume-state.ts'

/** Keeps the picture of volumes up to date, and tells of every change after it was made. */
export function followVolumes(informers: Informers, volumes: VolumeState, changed: (kind: VolumeKind, key: string) => void): void {
  const keep = <T>(kind: VolumeKind, held: Map<string, T>) => {
    return (key: string, current: T | undefined) => {
      if (current) held.set(key, current)
      else held.delete(key)
      volumes.changed()
      changed(kind, key)
    }
  }
  informers.of('v1', 'PersistentVolumeClaim').onChange(keep('PersistentVolumeClaim', volumes.claims))
  informers.of('v1', 'PersistentVolume').onChange(keep('PersistentVolume', volumes.volumes))
  informers.of('storage.k8s.io/v1', 'StorageClass').onChange(keep('StorageClass', volumes.classes))
  informers.of('storage.k8s.io/v1', 'CSINode').onChange(keep('CSINode', volumes.csiNodes))
  informers.of('storage.k8s.io/v1', 'CSIDriver').onChange(keep('CSIDriver', volumes.room.drivers))
  informers.of('storage.k8s.io/v1', 'CSIStorageCapacity').onChange((key, current, previous) => {
    volumes.room.set(key, current, previous)
    volumes.changed()
    // Room of another class is nobody's who waits for this one.
    for (const name of new Set([current?.storageClassName, previous?.storageClassName]))
      if (name !== undefined) changed('CSIStorageCapacity', name)
  })
}
