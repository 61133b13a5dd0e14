import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeepPartial } from '../../shared/client/client.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import type { StorageClass } from '../../shared/openapi/generated/storage-v1.ts'
import { boundClaim, boundVolume } from '../../shared/volumes/binding.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { type ClaimView, planClaim } from './claim-binding.ts'
import { planFolder } from './node-folder.ts'
import { letsGoOfFolder, planVolume } from './volume-reclaim.ts'

const BOUND = 'pv.kubernetes.io/bind-completed'
const BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
const SELECTED = 'volume.kubernetes.io/selected-node'
const PROVISIONED = 'pv.kubernetes.io/provisioned-by'
const OURS = 'coxswain/node-folder'

function claim(spec: DeepPartial<PersistentVolumeClaim['spec']> = {}, annotations: Record<string, string> = {}): PersistentVolumeClaim {
  const plain = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } } }
  return made('v1', 'PersistentVolumeClaim', {
    metadata: { name: 'data', namespace: 'x', uid: 'c1', annotations },
    spec: { ...plain, ...spec },
  })
}

function volume(
  name: string,
  spec: DeepPartial<PersistentVolume['spec']> = {},
  more: { phase?: string; annotations?: Record<string, string>; labels?: Record<string, string> } = {},
): PersistentVolume {
  const plain = { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, persistentVolumeReclaimPolicy: 'Retain' }
  const { phase = 'Available', ...metadata } = more
  return made('v1', 'PersistentVolume', { metadata: { name, ...metadata }, spec: { ...plain, ...spec }, status: { phase } })
}

const storageClass = (name: string, more: { provisioner?: string; volumeBindingMode?: string } = {}): StorageClass =>
  made('storage.k8s.io/v1', 'StorageClass', { metadata: { name }, provisioner: OURS, ...more })
const waiting = (name: string) => storageClass(name, { volumeBindingMode: 'WaitForFirstConsumer' })
const mine = { namespace: 'x', name: 'data', uid: 'c1' }
const others = { namespace: 'x', name: 'other', uid: 'c2' }

/** The step in a few words. */
function planned(it: PersistentVolumeClaim, view: Partial<ClaimView> = {}): string {
  const step = planClaim(it, { volumes: [], classes: [], waitingPods: [], ...view })
  switch (step.step) {
    case 'bind':
      return `bind ${step.volume.metadata.name}`
    case 'provision':
      return `provision ${step.storageClass.metadata.name}`
    default:
      return step.notice ? `${step.step}: ${step.notice.reason}: ${step.notice.message}` : step.step
  }
}

const modes = { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }
const nothing = 'wait: FailedBinding: no persistent volumes available for this claim and no storage class is set'
const matches: [string, DeepPartial<PersistentVolumeClaim['spec']>, PersistentVolume[], string][] = [
  [
    'the smallest that is large enough',
    {},
    [volume('b', { capacity: { storage: '9Gi' } }), volume('a', { capacity: { storage: '5120Mi' } })],
    'bind a',
  ],
  ['the first by name of equals', {}, [volume('b'), volume('a')], 'bind a'],
  ['none that is too small', {}, [volume('a', { capacity: { storage: '4Gi' } })], nothing],
  ['more modes than asked for will do', {}, [volume('a', modes)], 'bind a'],
  ['fewer will not', modes, [volume('a')], nothing],
  ['only of the same class', {}, [volume('a', { storageClassName: 'fast' })], nothing],
  ['only of the same volume mode', {}, [volume('a', { volumeMode: 'Block' })], nothing],
  ['block for block', { volumeMode: 'Block' }, [volume('a', { volumeMode: 'Block' })], 'bind a'],
  [
    'only what the selector selects',
    { selector: { matchLabels: { tier: 'db' } } },
    [volume('a'), volume('b', {}, { labels: { tier: 'db' } })],
    'bind b',
  ],
  ['not what is promised to another', {}, [volume('a', { claimRef: others })], nothing],
  [
    'what is promised to it before what fits better',
    {},
    [volume('a'), volume('b', { capacity: { storage: '9Gi' }, claimRef: mine })],
    'bind b',
  ],
  ['a promise by name alone counts', {}, [volume('b', { claimRef: { namespace: 'x', name: 'data' } })], 'bind b'],
  ['a promise to an earlier claim of that name does not', {}, [volume('b', { claimRef: { ...mine, uid: 'old' } })], nothing],
  ['not one that was released', {}, [volume('a', {}, { phase: 'Released' })], nothing],
]
for (const [name, spec, volumes, step] of matches) {
  test(`a claim is bound to ${name}`, () => assert.equal(planned(claim(spec), { volumes }), step))
}

test('a volume that is asked for by name must fit', () => {
  const named = claim({ volumeName: 'a' })
  const why = (spec: DeepPartial<PersistentVolume['spec']>) => planned(named, { volumes: [volume('a', spec)] })
  assert.equal(planned(named), 'wait')
  assert.equal(why({}), 'bind a')
  assert.equal(
    why({ capacity: { storage: '1Gi' } }),
    'wait: VolumeMismatch: Cannot bind to requested volume "a": requested PV is too small',
  )
  assert.equal(why({ storageClassName: 's' }), 'wait: VolumeMismatch: Cannot bind to requested volume "a": storageClassName does not match')
  assert.equal(why({ volumeMode: 'Block' }), 'wait: VolumeMismatch: Cannot bind to requested volume "a": incompatible volumeMode')
  assert.equal(why({ accessModes: ['ReadOnlyMany'] }), 'wait: VolumeMismatch: Cannot bind to requested volume "a": incompatible accessMode')
  assert.equal(why({ claimRef: others }), 'wait: FailedBinding: volume "a" already bound to a different claim.')
  assert.equal(why({ claimRef: mine }), 'bind a')
})

test('without a volume one is made, as soon as the class says who and where', () => {
  const classes = [storageClass('now'), waiting('later'), storageClass('byHand', { provisioner: 'kubernetes.io/no-provisioner' })]
  const of = (storageClassName: string, annotations = {}, more: Partial<ClaimView> = {}) =>
    planned(claim({ storageClassName }, annotations), { classes, ...more })
  assert.equal(of('now'), 'provision now')
  assert.equal(of('gone'), 'wait: ProvisioningFailed: storageclass.storage.k8s.io "gone" not found')
  assert.equal(of('byHand'), 'wait: ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner')
  assert.equal(of('later'), 'wait: WaitForFirstConsumer: waiting for first consumer to be created before binding')
  assert.equal(of('later', {}, { waitingPods: ['b'] }), 'wait: WaitForPodScheduled: waiting for pod b to be scheduled')
  assert.equal(of('later', {}, { waitingPods: ['b', 'a'] }), 'wait: WaitForPodScheduled: waiting for pods a,b to be scheduled')
  assert.equal(of('later', { [SELECTED]: 'n' }), 'provision later')
  const free = volume('a', { storageClassName: 'later' })
  assert.match(of('later', {}, { volumes: [free] }), /^wait: WaitForFirstConsumer/, 'the scheduler chooses it together with the node')
  assert.equal(of('later', {}, { volumes: [{ ...free, spec: { ...free.spec, claimRef: mine } }] }), 'bind a')
})

test('a claim that was bound and misses its volume is lost, and is not given another', () => {
  const bound = (volumeName: string | undefined) => claim({ volumeName }, { [BOUND]: 'yes' })
  assert.equal(planned(bound('a'), { volumes: [volume('a', { claimRef: mine }), volume('b')] }), 'bind a')
  assert.equal(planned(bound('a'), { volumes: [volume('a')] }), 'bind a', 'half of the binding was lost')
  assert.equal(
    planned(bound('a'), { volumes: [volume('b')] }),
    'lost: ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  )
  assert.match(
    planned(bound(undefined), { volumes: [volume('b')] }),
    /^lost: ClaimLost: Bound claim has lost reference to PersistentVolume/,
  )
  assert.match(planned(bound('a'), { volumes: [volume('a', { claimRef: others })] }), /^lost: ClaimMisbound: Two claims are bound/)
})

test('a binding says whose idea it was, and is not written twice', () => {
  const it = claim()
  const first = boundVolume(volume('a'), it)
  assert.deepEqual([first?.spec.claimRef?.uid, first?.metadata.annotations?.[BY_CONTROLLER]], ['c1', 'yes'])
  assert.equal(first && boundVolume(first, it), undefined)
  const promised = boundVolume(volume('a', { claimRef: { namespace: 'x', name: 'data' } }), it)
  assert.deepEqual([promised?.spec.claimRef?.uid, promised?.metadata.annotations?.[BY_CONTROLLER]], ['c1', undefined])
  const named = boundClaim(it, volume('a'))
  assert.deepEqual([named?.spec.volumeName, named?.metadata.annotations], ['a', { [BY_CONTROLLER]: 'yes', [BOUND]: 'yes' }])
  assert.equal(named && boundClaim(named, volume('a')), undefined)
  assert.deepEqual(boundClaim(claim({ volumeName: 'a' }), volume('a'))?.metadata.annotations, { [BOUND]: 'yes' })
})

test('a volume follows its claim', () => {
  assert.deepEqual(planVolume(volume('a'), undefined), { step: 'phase', phase: 'Available' })
  assert.deepEqual(planVolume(volume('a', { claimRef: { namespace: 'x', name: 'data' } }), undefined), {
    step: 'phase',
    phase: 'Available',
  })
  const held = volume('a', { claimRef: mine })
  assert.deepEqual(planVolume(held, claim({ volumeName: 'a' })), { step: 'phase', phase: 'Bound' })
  assert.deepEqual(planVolume(held, claim()), { step: 'claim' })
  const elsewhere = claim({ volumeName: 'b' })
  assert.deepEqual(planVolume(held, elsewhere), { step: 'unbind', keepsPromise: true })
  const byUs = volume('a', { claimRef: mine }, { annotations: { [BY_CONTROLLER]: 'yes' } })
  assert.deepEqual(planVolume(byUs, elsewhere), { step: 'unbind', keepsPromise: false })
})

test("what a claim leaves behind is kept, deleted by whoever made it, or nobody's to delete", () => {
  const reclaim = (policy: string, provisioner?: string, source: object = {}) => {
    const annotations = provisioner === undefined ? {} : { [PROVISIONED]: provisioner }
    const step = planVolume(volume('a', { claimRef: mine, persistentVolumeReclaimPolicy: policy, ...source }, { annotations }), undefined)
    return step.step === 'release' ? step.reclaim : step
  }
  assert.deepEqual(reclaim('Retain', OURS), { do: 'keep' })
  assert.deepEqual(reclaim('Delete', OURS), { do: 'delete' })
  assert.deepEqual(reclaim('Delete', 'csi.example.com'), { do: 'leave' })
  const message = 'error getting deleter volume plugin for volume "a": no deletable volume plugin matched'
  assert.deepEqual(reclaim('Delete'), { do: 'fail', reason: 'VolumeFailedDelete', message })
  const failed = (message: string) => ({ do: 'fail', reason: 'VolumeFailedRecycle', message })
  assert.deepEqual(reclaim('Recycle', undefined, { local: { path: '/d' } }), failed('No recycler plugin found for the volume!'))
  const anywhere = 'a hostPath without nodeAffinity may be on any node, so none is emptied: name its node, or empty it'
  assert.deepEqual(reclaim('Recycle', undefined, { hostPath: { path: '/d' } }), failed(anywhere))
  const nodeAffinity = { required: { nodeSelectorTerms: [] } }
  assert.deepEqual(reclaim('Recycle', undefined, { hostPath: { path: '/d' }, nodeAffinity }), { do: 'recycle' })
  assert.deepEqual(reclaim('Recycle', undefined, { nfs: { server: 'files', path: '/d' } }), { do: 'recycle' })
})

test('a deleted volume waits for its node to remove the folder, unless nobody wants that or the node is gone', () => {
  const of = (policy: string, phase = 'Released', going = true) => {
    const it = volume('a', { persistentVolumeReclaimPolicy: policy }, { phase })
    it.metadata.finalizers = [OURS]
    if (going) it.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    return it
  }
  assert.equal(letsGoOfFolder(of('Delete'), false), false)
  assert.equal(letsGoOfFolder(of('Retain'), false), true)
  assert.equal(letsGoOfFolder(of('Delete'), true), true)
  assert.equal(letsGoOfFolder(of('Delete', 'Bound'), true), false, 'somebody still counts on it')
  assert.equal(letsGoOfFolder(of('Retain', 'Released', false), true), false)
})

const node: Node = made('v1', 'Node', {
  metadata: {
    name: 'n',
    labels: { 'kubernetes.io/hostname': 'host-n' },
    annotations: { 'coxswain/node-folders': '/var/lib/kubelet/volumes/' },
  },
})
const nodeOf = (name: string) => (name === 'n' ? node : name === 'bare' ? made('v1', 'Node', { metadata: { name } }) : undefined)
const folder = (spec: DeepPartial<PersistentVolumeClaim['spec']>, annotations: Record<string, string> = { [SELECTED]: 'n' }) =>
  planFolder(claim(spec, annotations), waiting('standard'), nodeOf)

test('a folder is on the selected node, and bound from its birth', () => {
  const plan = folder({})
  assert.ok('volume' in plan)
  const { metadata, spec } = plan.volume
  assert.equal(metadata.name, 'pvc-c1')
  assert.equal(spec?.local?.path, '/var/lib/kubelet/volumes/pvc-c1')
  assert.deepEqual([spec?.capacity, spec?.persistentVolumeReclaimPolicy, spec?.claimRef?.uid], [{ storage: '5Gi' }, 'Delete', 'c1'])
  const [term] = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []
  assert.deepEqual(term?.matchExpressions, [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['host-n'] }])
})

test('what a folder cannot be is said, and whether another node could help', () => {
  const refusal = (...given: Parameters<typeof folder>) => {
    const plan = folder(...given)
    return 'refusal' in plan ? `${plan.elsewhere ? 'elsewhere: ' : ''}${plan.refusal}` : 'made'
  }
  assert.match(refusal({ volumeMode: 'Block' }), /^a folder cannot be a block device/)
  assert.match(refusal({ accessModes: ['ReadWriteMany'] }), /the claim asks for ReadWriteMany$/)
  assert.equal(refusal({ accessModes: ['ReadWriteOncePod'] }), 'made')
  assert.match(refusal({ selector: {} }), /selector is not supported/)
  const source = { apiGroup: null, kind: 'PersistentVolumeClaim', name: 'other' }
  for (const filled of [{ dataSource: source }, { dataSourceRef: { ...source, apiGroup: 'example.com', kind: 'Thing' } }])
    assert.match(refusal(filled), /is not a CSI plugin. Only CSI plugin can provision a claim with a datasource$/)
  assert.match(refusal({}, {}), /must have volumeBindingMode WaitForFirstConsumer/)
  assert.equal(refusal({}, { [SELECTED]: 'lost' }), 'elsewhere: node "lost" is gone')
  assert.match(refusal({}, { [SELECTED]: 'bare' }), /^elsewhere: node "bare" keeps no folders/)
})
