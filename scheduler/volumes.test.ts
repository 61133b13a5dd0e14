import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeepPartial } from '../shared/client/client.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../shared/openapi/generated/core-v1.ts'
import type { CSIStorageCapacity } from '../shared/openapi/generated/storage-v1.ts'
import { seededRandom } from '../shared/random/random.ts'
import { made } from '../test/harness/admission-trial.ts'
import { ClusterState } from './cluster-state.ts'
import { podInfo } from './pod-info.ts'
import { defaultProfile } from './policy/profile.ts'
import { SchedulingCycle } from './scheduling-cycle.ts'

const BOUND = 'pv.kubernetes.io/bind-completed'
const SELECTED = 'volume.kubernetes.io/selected-node'

function node(name: string, labels: Record<string, string> = {}, annotations: Record<string, string> = {}): Node {
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' }
  return made('v1', 'Node', {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels }, annotations },
    status: { allocatable },
  })
}

const keepsFolders = { 'coxswain/node-folders': '/var/lib/kubelet/volumes' }

function pod(name: string, claimNames: readonly string[], spec: DeepPartial<Pod['spec']> = {}): Pod {
  const volumes = claimNames.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
  const containers = [{ name: 'main', resources: {} }]
  return made('v1', 'Pod', { metadata: { name, namespace: 'x', uid: name }, spec: { containers, volumes, ...spec } })
}

function claim(
  name: string,
  spec: DeepPartial<PersistentVolumeClaim['spec']> = {},
  more: { annotations?: Record<string, string>; phase?: string } = {},
) {
  const { annotations = spec.volumeName ? { [BOUND]: 'yes' } : {}, phase = 'Pending' } = more
  const plain = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'wait' }
  return made('v1', 'PersistentVolumeClaim', {
    ...{ metadata: { name, namespace: 'x', uid: name, annotations }, spec: { ...plain, ...spec }, status: { phase } },
  })
}

function volume(
  name: string,
  on: string | undefined,
  spec: DeepPartial<PersistentVolume['spec']> = {},
  labels: Record<string, string> = {},
) {
  const values = on === undefined ? [] : [on]
  const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }]
  const nodeAffinity = on === undefined ? undefined : { required: { nodeSelectorTerms: terms } }
  const plain = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'wait', nodeAffinity }
  return made('v1', 'PersistentVolume', { metadata: { name, labels }, spec: { ...plain, ...spec }, status: { phase: 'Available' } })
}

interface World {
  nodes?: Node[]
  claims?: PersistentVolumeClaim[]
  volumes?: PersistentVolume[]
  placed?: Pod[]
  provisioner?: string
}

function cluster({
  nodes = [node('a'), node('b')],
  claims = [],
  volumes = [],
  placed = [],
  provisioner = 'kubernetes.io/no-provisioner',
}: World) {
  const state = new ClusterState()
  for (const each of nodes) state.setNode(each)
  for (const each of placed) state.setPod(each)
  for (const each of claims) state.volumes.claims.set(`x/${each.metadata.name}`, each)
  for (const each of volumes) state.volumes.volumes.set(each.metadata.name ?? '', each)
  const wait = made('storage.k8s.io/v1', 'StorageClass', {
    metadata: { name: 'wait' },
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
  })
  state.volumes.classes.set('wait', wait)
  return state
}

function place(candidate: Pod, state: ClusterState): string {
  const placement = new SchedulingCycle(defaultProfile(), seededRandom(7)).place(podInfo(candidate), state)
  return placement.node ? placement.node.name : placement.message
}

const all = (sentence: string) => `0/2 nodes are available: ${sentence}.`
const cases: [string, World, readonly string[], string][] = [
  ['no such claim', {}, ['data'], all('persistentvolumeclaim "data" not found')],
  [
    'an immediate claim without a volume',
    { claims: [claim('data', { storageClassName: 'other' })] },
    ['data'],
    all('pod has unbound immediate PersistentVolumeClaims'),
  ],
  [
    'a binding that is half done',
    { claims: [claim('data', { volumeName: 'v' }, { annotations: {} })] },
    ['data'],
    all('pod has unbound immediate PersistentVolumeClaims'),
  ],
  [
    'a lost volume',
    { claims: [claim('data', { volumeName: 'v' }, { phase: 'Lost' })] },
    ['data'],
    all('persistentvolumeclaim "data" bound to non-existent persistentvolume "v"'),
  ],
  ['a volume of one node', { claims: [claim('data', { volumeName: 'v' })], volumes: [volume('v', 'b')] }, ['data'], 'b'],
  [
    'a volume of a node that is not there',
    { claims: [claim('data', { volumeName: 'v' })], volumes: [volume('v', 'c')] },
    ['data'],
    '0/2 nodes are available: 2 node(s) had volume node affinity conflict.',
  ],
  [
    'two volumes of two nodes',
    { claims: [claim('one', { volumeName: 'v' }), claim('two', { volumeName: 'w' })], volumes: [volume('v', 'a'), volume('w', 'b')] },
    ['one', 'two'],
    '0/2 nodes are available: 2 node(s) had volume node affinity conflict.',
  ],
  ['a waiting claim and a free volume', { claims: [claim('data')], volumes: [volume('v', 'b')] }, ['data'], 'b'],
  [
    'a waiting claim and nothing free',
    { claims: [claim('data')], volumes: [volume('v', 'b', { capacity: { storage: '1Mi' } })] },
    ['data'],
    "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.",
  ],
  [
    'two waiting claims share no volume',
    { claims: [claim('one'), claim('two')], volumes: [volume('v', 'a'), volume('w', 'b'), volume('u', 'b')] },
    ['one', 'two'],
    'b',
  ],
  [
    'a claim whose volume is made for another node already',
    {
      nodes: [node('a', {}, keepsFolders), node('b', {}, keepsFolders)],
      provisioner: 'coxswain/node-folder',
      claims: [claim('data', {}, { annotations: { [SELECTED]: 'b' } })],
    },
    ['data'],
    'b',
  ],
  [
    'a folder, and one node that keeps them',
    { nodes: [node('a'), node('b', {}, keepsFolders)], provisioner: 'coxswain/node-folder', claims: [claim('data')] },
    ['data'],
    'b',
  ],
  [
    'a zone',
    {
      nodes: [node('a', { 'topology.kubernetes.io/zone': 'one' }), node('b', { 'topology.kubernetes.io/zone': 'two' })],
      claims: [claim('data', { volumeName: 'v' })],
      volumes: [volume('v', undefined, {}, { 'topology.kubernetes.io/zone': 'two__three' })],
    },
    ['data'],
    'b',
  ],
  [
    'a claim for one pod that another has',
    {
      claims: [claim('data', { volumeName: 'v', accessModes: ['ReadWriteOncePod'] })],
      volumes: [volume('v', undefined)],
      placed: [pod('first', ['data'], { nodeName: 'a' })],
    },
    ['data'],
    '0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.',
  ],
]
for (const [name, world, claimNames, expected] of cases) {
  test(`where a pod with claims goes: ${name}`, () => assert.equal(place(pod('web', claimNames), cluster(world)), expected))
}

test('a node takes no more volumes of a driver than it says; one that is there already costs nothing', () => {
  const of = (name: string) => volume(name, undefined, { csi: { driver: 'csi.example.com', volumeHandle: name } })
  const state = cluster({
    claims: [claim('one', { volumeName: 'v' }), claim('two', { volumeName: 'w' })],
    ...{ volumes: [of('v'), of('w')], placed: [pod('first', ['one'], { nodeName: 'a' })], nodes: [node('a')] },
  })
  const drivers = [{ name: 'csi.example.com', nodeID: 'a', allocatable: { count: 1 } }]
  state.volumes.csiNodes.set('a', made('storage.k8s.io/v1', 'CSINode', { metadata: { name: 'a' }, spec: { drivers } }))
  assert.equal(place(pod('again', ['one']), state), 'a')
  assert.equal(place(pod('more', ['two']), state), '0/1 nodes are available: 1 node(s) exceed max volume count.')
})

test("a promised volume is nobody else's until the promise is given back", () => {
  const state = cluster({ claims: [claim('one'), claim('two')], volumes: [volume('v', 'b')] })
  const claims = state.volumes.claimsOf(pod('first', ['one']))
  assert.ok(typeof claims !== 'string')
  const choice = state.volumes.choose(claims.delayed, node('b'))
  assert.ok(typeof choice !== 'string')
  assert.equal(choice.promises[0]?.volume.metadata.name, 'v')
  const giveBack = state.volumes.promise(choice)
  assert.match(place(pod('second', ['two']), state), /didn't find available persistent volumes to bind/)
  giveBack()
  assert.equal(place(pod('second', ['two']), state), 'b')
})

test("a pod's own claim must be its own", () => {
  const spec = { volumes: [{ name: 'data', ephemeral: {} }] }
  const state = cluster({})
  assert.equal(
    place(pod('web', [], spec), state),
    all('waiting for ephemeral volume controller to create the persistentvolumeclaim "web-data"'),
  )
  state.volumes.claims.set('x/web-data', claim('web-data'))
  assert.equal(place(pod('web', [], spec), state), all('PVC x/web-data was not created for pod x/web (pod is not owner)'))
})

test('a volume is made where its driver says that there is room; a driver that says nothing is believed to have it', () => {
  const driver = 'disks.example.com'
  const rack = (name: string) => ({ matchLabels: { rack: name } })
  const nodes = [node('a', { rack: 'one' }), node('b', { rack: 'two' })]
  const state = cluster({ nodes, claims: [claim('data', { resources: { requests: { storage: '5Gi' } } })], provisioner: driver })
  const { room } = state.volumes
  const says = (storageCapacity: boolean) =>
    room.drivers.set(driver, made('storage.k8s.io/v1', 'CSIDriver', { metadata: { name: driver }, spec: { storageCapacity } }))
  const capacity = (more: DeepPartial<Omit<CSIStorageCapacity, 'metadata'>>) =>
    made('storage.k8s.io/v1', 'CSIStorageCapacity', {
      metadata: { name: 'c' },
      storageClassName: 'wait',
      nodeTopology: rack('two'),
      ...more,
    })
  const goes = () => place(pod('web', ['data']), state)
  const full = '0/2 nodes are available: 2 node(s) did not have enough free storage.'
  says(true)
  assert.equal(goes(), full)
  const enough = capacity({ capacity: '5Gi' })
  room.set('x/c', enough, undefined)
  assert.equal(goes(), 'b')
  const small = capacity({ capacity: '5Gi', maximumVolumeSize: '4Gi' })
  room.set('x/c', small, enough)
  assert.equal(goes(), full, 'no volume is that large')
  const other = capacity({ capacity: '5Gi', storageClassName: 'other' })
  room.set('x/c', other, small)
  assert.equal(goes(), full, 'room of another class')
  const unknown = capacity({ capacity: undefined })
  room.set('x/c', unknown, other)
  assert.equal(goes(), full)
  const nowhere = capacity({ capacity: '5Gi', nodeTopology: undefined })
  room.set('x/c', nowhere, unknown)
  assert.equal(goes(), full)
  const everywhere = capacity({ capacity: '5Gi', nodeTopology: {} })
  room.set('x/c', everywhere, nowhere)
  assert.match(goes(), /^[ab]$/)
  room.set('x/c', undefined, everywhere)
  assert.equal(goes(), full)
  says(false)
  assert.match(goes(), /^[ab]$/)
})
