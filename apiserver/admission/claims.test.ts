import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { admissionTrial, kubelet, made } from '../../test/harness/admission-trial.ts'

const CLASS = 'storage.k8s.io/v1'
const MARK = 'storageclass.kubernetes.io/is-default-class'

let { reader, admit, refused } = admissionTrial()
beforeEach(() => {
  ;({ reader, admit, refused } = admissionTrial())
})

function putClass(name: string, creationTimestamp: string, more: { isDefault?: boolean; allowVolumeExpansion?: boolean } = {}) {
  const annotations = { [MARK]: `${more.isDefault ?? true}` }
  const { allowVolumeExpansion } = more
  reader.put(CLASS, 'StorageClass', {
    metadata: { name, creationTimestamp, annotations },
    provisioner: 'example.com/x',
    allowVolumeExpansion,
  })
}

const claim = (spec: object = {}, status: object = {}, metadata: object = {}) =>
  made('v1', 'PersistentVolumeClaim', {
    metadata: { name: 'data', namespace: 'default', ...metadata },
    spec: { resources: {}, ...spec },
    status,
  })

async function classGiven(object: ReturnType<typeof claim>): Promise<string | undefined> {
  await admit({ object, resource: 'persistentvolumeclaims' })
  return object.spec.storageClassName
}

test('a claim without a class gets the newest default, and none when it says so or none is the default', async () => {
  assert.equal(await classGiven(claim()), undefined)
  putClass('other', '2026-01-03T00:00:00Z', { isDefault: false })
  assert.equal(await classGiven(claim()), undefined)
  putClass('b', '2026-01-01T00:00:00Z')
  putClass('c', '2026-01-02T00:00:00Z')
  putClass('a', '2026-01-02T00:00:00Z')
  assert.equal(await classGiven(claim()), 'a')
  assert.equal(await classGiven(claim({ storageClassName: '' })), '')
  assert.equal(await classGiven(claim({ storageClassName: 'b' })), 'b')
  assert.equal(await classGiven(claim({}, {}, { annotations: { 'volume.beta.kubernetes.io/storage-class': 'b' } })), undefined)
})

test('claims, volumes and attribute classes are protected from their creation on, once', async () => {
  const object = claim({}, {}, { finalizers: ['mine'] })
  await admit({ object, resource: 'persistentvolumeclaims' })
  await admit({ object, resource: 'persistentvolumeclaims' })
  assert.deepEqual(object.metadata.finalizers, ['mine', 'kubernetes.io/pvc-protection'])
  const volume = made('v1', 'PersistentVolume', { metadata: { name: 'v' } })
  await admit({ object: volume, resource: 'persistentvolumes', namespace: '' })
  assert.deepEqual(volume.metadata.finalizers, ['kubernetes.io/pv-protection'])
  const attributes = made(CLASS, 'VolumeAttributesClass', { metadata: { name: 'v' }, driverName: 'x' })
  await admit({ object: attributes, resource: 'volumeattributesclasses', namespace: '' })
  assert.deepEqual(attributes.metadata.finalizers, ['kubernetes.io/vac-protection'])
})

test('a finalizer that was taken off stays off', async () => {
  const object = claim()
  await admit({ operation: 'UPDATE', object, previous: claim(), resource: 'persistentvolumeclaims' })
  assert.equal(object.metadata.finalizers, undefined)
})

test('only a bound claim of a class that allows it grows', async () => {
  putClass('stiff', '2026-01-01T00:00:00Z')
  putClass('soft', '2026-01-01T00:00:00Z', { allowVolumeExpansion: true })
  const sized = (storage: string, storageClassName: string, phase = 'Bound') =>
    claim({ storageClassName, resources: { requests: { storage } } }, { phase })
  const grow = (storageClassName: string, phase?: string) => ({
    ...{ operation: 'UPDATE' as const, resource: 'persistentvolumeclaims' },
    ...{ object: sized('2Gi', storageClassName, phase), previous: sized('1Gi', storageClassName, phase) },
  })
  await admit(grow('soft'))
  await refused(grow('soft', 'Pending'), 'persistentvolumeclaims "data" is forbidden: Only bound persistent volume claims can be expanded')
  const why =
    'persistentvolumeclaims "data" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
  for (const name of ['stiff', 'gone', '']) await refused(grow(name), why)
  await admit({ ...grow('stiff'), object: sized('1024Mi', 'stiff') })
  await admit({ ...grow('stiff'), subresource: 'status' })
})

test('a node says of its folders whether they are there, and nothing else', async () => {
  const volume = (node: string, finalizers: string[], more: object = {}) =>
    made('v1', 'PersistentVolume', {
      metadata: {
        ...{ name: 'v', finalizers, resourceVersion: `${finalizers.length}` },
        annotations: { 'coxswain/node': node, 'pv.kubernetes.io/provisioned-by': 'coxswain/node-folder' },
      },
      spec: { persistentVolumeReclaimPolicy: 'Delete', ...more },
    })
  const update = (object: ReturnType<typeof volume>, previous: ReturnType<typeof volume>) => ({
    ...{ operation: 'UPDATE' as const, resource: 'persistentvolumes', namespace: '', user: kubelet, object, previous },
  })
  const [plain, held] = [volume('a', ['kubernetes.io/pv-protection']), volume('a', ['kubernetes.io/pv-protection', 'coxswain/node-folder'])]
  await admit(update(held, plain))
  await admit(update(plain, held))
  const only = 'persistentvolumes "v" is forbidden: node "a" is not allowed to update anything but the finalizer coxswain/node-folder'
  await refused(update(volume('a', ['coxswain/node-folder']), held), only)
  await refused(update(volume('a', ['kubernetes.io/pv-protection'], { persistentVolumeReclaimPolicy: 'Retain' }), held), only)
  await refused(update(volume('b', ['kubernetes.io/pv-protection']), held), only)
  const own = 'persistentvolumes "v" is forbidden: node "a" can only update volumes that are folders of its own'
  await refused(update(held, volume('b', [])), own)
})
