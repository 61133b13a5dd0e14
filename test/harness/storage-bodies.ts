const storage = 'storage.k8s.io/v1'

type Body = { readonly apiVersion: string; readonly kind: string } & Readonly<Record<string, unknown>>

/** A small valid object of each kind about volumes. */
export function storageBodies(name: string): readonly Body[] {
  const metadata = { name }
  return [
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'none', hostPath: { path: '/tmp/nowhere' } },
    },
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'other' },
    },
    { ...{ apiVersion: storage, kind: 'StorageClass', metadata }, provisioner: 'example.com/nobody' },
    { ...{ apiVersion: storage, kind: 'VolumeAttributesClass', metadata }, driverName: 'example.com', parameters: { iops: '1' } },
    {
      ...{ apiVersion: storage, kind: 'VolumeAttachment', metadata },
      spec: { attacher: 'example.com', nodeName: 'x', source: { persistentVolumeName: 'x' } },
    },
    { ...{ apiVersion: storage, kind: 'CSIDriver', metadata }, spec: {} },
    { ...{ apiVersion: storage, kind: 'CSINode', metadata }, spec: { drivers: [] } },
    { ...{ apiVersion: storage, kind: 'CSIStorageCapacity', metadata }, storageClassName: 'x' },
  ]
}
