import assert from 'node:assert/strict'
import test from 'node:test'
import type { FieldProblem } from '../../../shared/errors/field-error.ts'
import { deepFreeze } from '../../../shared/objects/object.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../../shared/random/random.ts'
import { manualClock } from '../../../simulation/time/manual-clock.ts'
import { TestReader } from '../../../test/harness/object-reader.ts'
import type { HookContext } from '../../registry/define-resource.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import volumeKind from '../../resources/core/persistent-volume.ts'
import claimKind from '../../resources/core/persistent-volume-claim.ts'
import { volumesProblems } from './volume.ts'

const lines = (problems: Iterable<FieldProblem>) => [...problems].map((problem) => `${problem.path}: ${problem.message}`)
const context: HookContext = {
  ...{ user: { name: 'jane', groups: [] }, clock: manualClock(), random: seededRandom(1), dryRun: false, warn() {} },
  reader: new TestReader(),
}

function volume(spec: object, status: object = {}): PersistentVolume {
  const plain = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] }
  const made = decodeObject(
    'v1',
    'PersistentVolume',
    { metadata: { name: 'a' }, spec: { ...plain, ...spec }, status },
    { fieldValidation: 'Strict' },
  )
  volumeKind.hooks.applyDefaults?.(made as PersistentVolume, context)
  return made as PersistentVolume
}

function claim(spec: object = {}, status: object = {}, metadata: object = {}): PersistentVolumeClaim {
  const plain = { resources: { requests: { storage: '1Gi' } }, accessModes: ['ReadWriteOnce'] }
  const object = { metadata: { name: 'a', namespace: 'x', ...metadata }, spec: { ...plain, ...spec }, status }
  const made = decodeObject('v1', 'PersistentVolumeClaim', object, { fieldValidation: 'Strict' }) as PersistentVolumeClaim
  claimKind.hooks.applyDefaults?.(made, context)
  claimKind.hooks.prepareForCreate?.(made, context)
  made.status = structuredClone(status) as PersistentVolumeClaim['status']
  return made
}

const problemsOf = (spec: object) => lines(volumeKind.hooks.validate?.(volume(spec)) ?? [])
const claimProblemsOf = (spec: object) => lines(claimKind.hooks.validate?.(claim(spec)) ?? [])

test('a volume of every source is accepted when it says what the source needs', () => {
  const affinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'Exists' }] }] } }
  const complete = [
    { hostPath: { path: '/data' } },
    { nfs: { server: 'files', path: '/exports' } },
    { local: { path: '/disk' }, nodeAffinity: affinity },
    { csi: { driver: 'csi.example.com', volumeHandle: 'v1' } },
    { iscsi: { targetPortal: '10.0.0.1:3260', iqn: 'iqn.2001-04.com.example:disk', lun: 0 } },
    { fc: { targetWWNs: ['5001'], lun: 0 } },
    { rbd: { monitors: ['a'], image: 'i' } },
    { cephfs: { monitors: ['a'] } },
    { glusterfs: { endpoints: 'e', path: 'p' } },
    { flocker: { datasetName: 'd' } },
    { quobyte: { registry: 'r:1', volume: 'v' } },
    { cinder: { volumeID: 'v' } },
    { flexVolume: { driver: 'a/b' } },
    { azureFile: { secretName: 's', shareName: 's', secretNamespace: null } },
    { azureDisk: { diskName: 'd', diskURI: 'u' } },
    { vsphereVolume: { volumePath: 'p' } },
    { photonPersistentDisk: { pdID: 'p' } },
    { portworxVolume: { volumeID: 'v' } },
    { scaleIO: { gateway: 'g', system: 's', volumeName: 'v', secretRef: {} } },
    { storageos: { volumeName: 'v' } },
    { gcePersistentDisk: { pdName: 'p' } },
    { awsElasticBlockStore: { volumeID: 'v' } },
  ]
  for (const source of complete) assert.deepEqual(problemsOf(source), [], JSON.stringify(source))
})

test('a volume has a size, ways to mount it and one complete source', () => {
  assert.deepEqual(problemsOf({}), ['spec: Required value: must specify a volume type'])
  assert.deepEqual(problemsOf({ hostPath: { path: '/a' }, nfs: { server: 's', path: '/b' } }), [
    'spec.nfs: Forbidden: may not specify more than 1 volume type',
  ])
  const wrong: [object, string][] = [
    [{ accessModes: [] }, 'spec.accessModes: Required value'],
    [
      { accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] },
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
    ],
    [
      { accessModes: ['Often'] },
      'spec.accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
    ],
    [{ capacity: { storage: '0' } }, 'spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    [{ capacity: { storage: '1', cpu: '1' } }, 'spec.capacity: Unsupported value: {"storage":"1","cpu":"1"}: supported values: "storage"'],
    [
      { persistentVolumeReclaimPolicy: 'Burn' },
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"',
    ],
    [
      { hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' },
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ],
    [{ hostPath: { path: '/a/../b' } }, 'spec.hostPath.path: Invalid value: "/a/../b": must not contain \'..\''],
    [{ volumeMode: 'Tape' }, 'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"'],
    [{ nodeAffinity: {} }, 'spec.nodeAffinity.required: Required value: must specify required node constraints'],
    [{ volumeAttributesClassName: 'fast' }, 'spec.csi: Required value: has to be specified when using volumeAttributesClassName'],
  ]
  for (const [spec, line] of wrong) assert.deepEqual(problemsOf({ hostPath: { path: '/a' }, ...spec }), [line])
  assert.deepEqual(problemsOf({ local: { path: '/a' } }), ['spec.nodeAffinity: Required value: Local volume requires node affinity'])
  assert.deepEqual(problemsOf({ nfs: { server: '', path: 'a' } }), [
    'spec.nfs.server: Required value',
    'spec.nfs.path: Invalid value: "a": must be an absolute path',
  ])
  assert.deepEqual(problemsOf({ csi: { driver: '', volumeHandle: '', nodeStageSecretRef: { name: 's' } } }), [
    'spec.csi.driver: Required value',
    'spec.csi.volumeHandle: Required value',
    'spec.csi.nodeStageSecretRef.namespace: Required value',
  ])
  assert.deepEqual(problemsOf({ fc: { lun: 300, targetWWNs: ['a'] } }), [
    'spec.fc.lun: Invalid value: 300: must be between 0 and 255, inclusive',
  ])
})

test('what a volume stands for never changes; its policy, size and claim may', () => {
  const previous = deepFreeze(volume({ hostPath: { path: '/a' } }))
  const change = (spec: object) => lines(volumeKind.hooks.validateUpdate?.(volume({ hostPath: { path: '/a' }, ...spec }), previous) ?? [])
  assert.deepEqual(change({ persistentVolumeReclaimPolicy: 'Delete', capacity: { storage: '2Gi' }, claimRef: { name: 'c' } }), [])
  assert.deepEqual(change({ hostPath: { path: '/b' } }), [
    'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation: hostPath differs',
  ])
  assert.deepEqual(change({ volumeMode: 'Block' }), ['volumeMode: Invalid value: "Block": field is immutable'])
  const csi = { driver: 'csi.example.com', volumeHandle: 'v1' }
  const late = { ...csi, controllerExpandSecretRef: { name: 's', namespace: 'n' } }
  assert.deepEqual(lines(volumeKind.hooks.validateUpdate?.(volume({ csi: late }), volume({ csi })) ?? []), [])
})

test("the time of a volume's phase is the time of its change", async () => {
  const clock = manualClock()
  const made = volume({ hostPath: { path: '/a' } })
  volumeKind.hooks.prepareForCreate?.(made, { ...context, clock })
  assert.equal(made.status.phase, 'Pending')
  const next = structuredClone(made)
  next.status.phase = 'Available'
  await clock.advance(5_000)
  volumeKind.hooks.prepareForStatusUpdate?.(next, made, { ...context, clock })
  assert.notEqual(next.status.lastPhaseTransitionTime, made.status.lastPhaseTransitionTime)
  const same = structuredClone(next)
  await clock.advance(5_000)
  volumeKind.hooks.prepareForStatusUpdate?.(same, next, { ...context, clock })
  assert.equal(same.status.lastPhaseTransitionTime, next.status.lastPhaseTransitionTime)
})

test('a claim asks for a size and a way to mount it', () => {
  assert.deepEqual(claimProblemsOf({}), [])
  assert.deepEqual(claimProblemsOf({ accessModes: [], resources: {} }), [
    'spec.accessModes: Required value: at least 1 access mode is required',
    'spec.resources[storage]: Required value',
  ])
  assert.deepEqual(claimProblemsOf({ resources: { requests: { storage: '-1' } } }), [
    'spec.resources[storage]: Invalid value: "-1": must be greater than zero',
  ])
  assert.deepEqual(claimProblemsOf({ selector: { matchLabels: { 'a b': 'c' } } }).length, 1)
  const why = 'Invalid value: "Thing": must be \'PersistentVolumeClaim\' when referencing the default apiGroup'
  assert.deepEqual(claimProblemsOf({ dataSourceRef: { apiGroup: '', kind: 'Thing', name: 'x' } }), [
    `spec.dataSource: ${why}`,
    `spec.dataSourceRef: ${why}`,
  ])
})

test('both fields of what fills a volume say the same, and the older one only what it may', () => {
  const other = { apiGroup: null, kind: 'PersistentVolumeClaim', name: 'old' }
  assert.deepEqual(claim({ dataSource: other }).spec.dataSourceRef?.name, 'old')
  assert.deepEqual(claim({ dataSourceRef: other }).spec.dataSource?.name, 'old')
  const odd = { apiGroup: 'example.com', kind: 'Thing', name: 'x' }
  assert.equal(claim({ dataSource: odd }).spec.dataSource, undefined)
  assert.deepEqual(claim({ dataSourceRef: odd }).spec.dataSource, odd)
  assert.deepEqual(claim({ dataSource: odd, dataSourceRef: odd }).spec.dataSource, odd)
  const { dataSource, dataSourceRef } = claim({ dataSourceRef: { ...other, namespace: 'elsewhere' } }).spec
  assert.deepEqual([dataSource, dataSourceRef], [undefined, undefined])
})

test('a claim names its volume once, its class late, and grows only when bound', () => {
  const update = (next: PersistentVolumeClaim, previous: PersistentVolumeClaim) =>
    lines(claimKind.hooks.validateUpdate?.(next, deepFreeze(previous)) ?? [])
  const size = (storage: string) => ({ resources: { requests: { storage } } })
  const immutable =
    /^spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims/
  assert.deepEqual(update(claim({ volumeName: 'v' }), claim()), [])
  assert.match(update(claim({ volumeName: 'w' }), claim({ volumeName: 'v' })).join(), immutable)
  assert.deepEqual(update(claim({ storageClassName: 's' }), claim()), [])
  assert.match(update(claim({ storageClassName: 's' }), claim({ storageClassName: 't' })).join(), immutable)
  assert.match(update(claim(size('2Gi')), claim()).join(), immutable)
  const bound = { phase: 'Bound', capacity: { storage: '1Gi' } }
  assert.deepEqual(update(claim(size('2Gi'), bound), claim({}, bound)), [])
  assert.deepEqual(update(claim(size('2Gi'), bound), claim(size('3Gi'), bound)), [])
  assert.deepEqual(update(claim(size('1Gi'), bound), claim(size('3Gi'), bound)), [
    'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
  ])
  assert.match(update(claim({ accessModes: ['ReadWriteMany'] }), claim()).join(), /accessModes may not change$/)
  const attributes = (name: string) => claim({ volumeAttributesClassName: name }, bound)
  assert.match(update(attributes(''), attributes('fast')).join(), /to an empty string is forbidden/)
  assert.deepEqual(update(attributes(''), attributes('')), [], 'an update that changes nothing')
})

test("the states of a resize are upstream's", () => {
  const status = { allocatedResourceStatuses: { storage: 'Growing' }, capacity: { storage: '-1' } }
  const found = lines(claimKind.hooks.validateStatusUpdate?.(claim({}, status), claim()) ?? [])
  assert.deepEqual(found, [
    'status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity',
    'status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
  ])
})

test("a pod's own claim is a claim without a name", () => {
  const ephemeral = (metadata: object, spec: object) => [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata, spec } } }] as never
  const spec = { resources: { requests: { storage: '1' } }, accessModes: ['ReadWriteOnce'] }
  assert.deepEqual(lines(volumesProblems(ephemeral({ labels: { a: 'b' } }, spec), 'spec.volumes')), [])
  assert.deepEqual(lines(volumesProblems(ephemeral({ name: 'x' }, { resources: {} }), 'spec.volumes')), [
    'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set',
    'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required',
    'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
  ])
})

test('sizes in fractions of a byte and old words are warned of', () => {
  const warned = claim(
    { resources: { requests: { storage: '100m' } } },
    {},
    { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } },
  )
  assert.deepEqual(
    [...(claimKind.hooks.warnings?.(warned) ?? [])],
    [
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'spec.resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer',
    ],
  )
})

test('claims and volumes print what they hold and to whom they belong', () => {
  const cells = (
    kind: { hooks: { columns?: readonly { name: string; value: (object: never, now: number) => unknown }[] | undefined } },
    object: object,
  ) => Object.fromEntries((kind.hooks.columns ?? []).map(({ name, value }) => [name, value(object as never, 0)]))
  const bound = claim(
    { volumeName: 'v', storageClassName: 's' },
    { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOncePod'] },
  )
  const row = cells(claimKind, bound)
  assert.deepEqual(
    [row['Status'], row['Volume'], row['Capacity'], row['Access Modes'], row['StorageClass']],
    ['Bound', 'v', '2Gi', 'RWOP', 's'],
  )
  const pending = cells(claimKind, claim({}, { phase: 'Pending' }))
  assert.deepEqual(
    [pending['Volume'], pending['Capacity'], pending['Access Modes'], pending['VolumeAttributesClass']],
    ['', '', '', '<unset>'],
  )
  const held = volume({ hostPath: { path: '/a' }, claimRef: { namespace: 'x', name: 'a' } }, { phase: 'Bound' })
  held.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
  const shown = cells(volumeKind, held)
  assert.deepEqual([shown['Capacity'], shown['Reclaim Policy'], shown['Status'], shown['Claim']], ['1Gi', 'Retain', 'Terminating', 'x/a'])
})
