// Which change of which object may free which pod: one line each, asked of the rule that refused it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeepPartial } from '../shared/client/client.ts'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'
import { made } from '../test/harness/admission-trial.ts'
import type { ClusterChange, VolumeKind } from './cluster-change.ts'
import { ClusterState } from './cluster-state.ts'
import { podInfo } from './pod-info.ts'
import { defaultProfile } from './policy/profile.ts'

const ZONE = 'topology.kubernetes.io/zone'

function node(
  name: string,
  { metadata, spec, status }: Partial<Pick<Node, 'metadata'>> & DeepPartial<Pick<Node, 'spec' | 'status'>> = {},
): Node {
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' }
  return made('v1', 'Node', { metadata: { ...metadata, name }, ...(spec && { spec }), status: { allocatable, ...status } })
}

function pod(name: string, cpu: string, spec: DeepPartial<Pod['spec']> = {}, labels: Record<string, string> = {}): Pod {
  const containers = [{ name: 'main', resources: { requests: { cpu } } }]
  return made('v1', 'Pod', { metadata: { name, namespace: 'x', uid: name, labels }, spec: { containers, ...spec } })
}

const claimed = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
const volumeChanged = (kind: VolumeKind, key: string): ClusterChange => ({
  ...{ what: 'volumeChanged', kind, key },
})
const port = (hostPort: number) => ({ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort, protocol: 'TCP' }] }] })
const near = {
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: ZONE, labelSelector: { matchLabels: { app: 'web' } } }],
    },
  },
}
const even = {
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } } },
  ],
}

/** A cluster of two nodes, `full` among them; the last change that it tells of. */
function cluster() {
  const told: ClusterChange[] = []
  const state = new ClusterState((change) => told.push(change))
  state.setNode(node('small', { metadata: { labels: { [ZONE]: 'one' } } }))
  state.setNode(node('full', { metadata: { labels: { [ZONE]: 'two' } } }))
  state.setPod(pod('large', '3', { nodeName: 'full', priority: 10 }))
  state.setPod(pod('little', '1', { nodeName: 'full', priority: 10 }))
  const claim = { metadata: { name: 'mine', namespace: 'x' }, spec: { storageClassName: 'wait' } }
  state.volumes.claims.set('x/mine', made('v1', 'PersistentVolumeClaim', claim))
  state.volumes.volumes.set('slow', made('v1', 'PersistentVolume', { metadata: { name: 'slow' }, spec: { storageClassName: 'slow' } }))
  state.volumes.volumes.set('fits', made('v1', 'PersistentVolume', { metadata: { name: 'fits' }, spec: { storageClassName: 'wait' } }))
  told.length = 0
  const after = (act: () => void): ClusterChange | undefined => {
    act()
    return told.at(-1)
  }
  return { state, after }
}

type Scene = ReturnType<typeof cluster>
type Row = [
  rule: string,
  what: string,
  waiting: Pod,
  change: (scene: Scene) => ClusterChange | undefined,
  isHelp: boolean | 'nobody is told',
]

const grown = (cpu: string) => node('small', { metadata: { labels: { [ZONE]: 'one' } }, status: { allocatable: { cpu, pods: '110' } } })
const rows: Row[] = [
  ['NodeResourcesFit', 'enough leaves', pod('w', '2'), ({ state, after }) => after(() => state.removePod('large')), true],
  ['NodeResourcesFit', 'too little leaves', pod('w', '2'), ({ state, after }) => after(() => state.removePod('little')), false],
  ['NodeResourcesFit', 'allocatable grows', pod('w', '5'), ({ state, after }) => after(() => state.setNode(grown('6'))), true],
  ['NodeResourcesFit', 'it grows too little', pod('w', '8'), ({ state, after }) => after(() => state.setNode(grown('6'))), false],
  [
    ...(['NodeResourcesFit', 'a label changes', pod('w', '2')] as const),
    ({ state, after }) => after(() => state.setNode(node('full', { metadata: { labels: { [ZONE]: 'three' } } }))),
    false,
  ],
  [
    ...(['NodeResourcesFit', 'a heartbeat', pod('w', '2')] as const),
    ({ state, after }) => after(() => state.setNode(node('full', { metadata: { labels: { [ZONE]: 'two' }, resourceVersion: '9' } }))),
    'nobody is told',
  ],
  [
    ...(['NodeResourcesFit', 'a pod asks for less', pod('w', '2')] as const),
    ({ state, after }) => after(() => state.setPod(resized(pod('large', '1', { nodeName: 'full', priority: 10 })))),
    true,
  ],
  ['NodeResourcesFit', 'a large node comes', pod('w', '3'), ({ state, after }) => after(() => state.setNode(node('new'))), true],
  [
    'NodeResourcesFit',
    'a node that is too small comes',
    pod('w', '5'),
    ({ state, after }) => after(() => state.setNode(node('new'))),
    false,
  ],
  ['NodePorts', 'who has the port leaves', pod('w', '0', port(80)), ({ after, state }) => leaving({ after, state }, port(80)), true],
  ['NodePorts', 'who has another leaves', pod('w', '0', port(80)), ({ after, state }) => leaving({ after, state }, port(81)), false],
  [
    ...(['NodeAffinity', 'the label is there now', pod('w', '0', { nodeSelector: { disk: 'ssd' } })] as const),
    ({ state, after }) => after(() => state.setNode(node('small', { metadata: { labels: { disk: 'ssd' } } }))),
    true,
  ],
  [
    ...(['NodeAffinity', 'another label', pod('w', '0', { nodeSelector: { disk: 'ssd' } })] as const),
    ({ state, after }) => after(() => state.setNode(node('small', { metadata: { labels: { disk: 'hdd' } } }))),
    false,
  ],
  ['TaintToleration', 'its only taint goes', pod('w', '0'), (scene) => untainted(scene, []), true],
  ['TaintToleration', 'one of two goes', pod('w', '0'), (scene) => untainted(scene, [{ key: 'b', effect: 'NoSchedule' }]), false],
  ['InterPodAffinity', 'company comes', pod('w', '0', near), (scene) => coming(scene, { app: 'web' }), true],
  ['InterPodAffinity', 'a stranger comes', pod('w', '0', near), (scene) => coming(scene, { app: 'db' }), false],
  ['PodTopologySpread', 'one that is counted comes', pod('w', '0', even), (scene) => coming(scene, { app: 'web' }), true],
  ['PodTopologySpread', 'one that is not comes', pod('w', '0', even), (scene) => coming(scene, { app: 'db' }), false],
  ['VolumeBinding', 'its claim changes', pod('w', '0', claimed('mine')), () => volumeChanged('PersistentVolumeClaim', 'x/mine'), true],
  [
    'VolumeBinding',
    "another's claim changes",
    pod('w', '0', claimed('mine')),
    () => volumeChanged('PersistentVolumeClaim', 'x/other'),
    false,
  ],
  ['VolumeBinding', 'a volume of its class', pod('w', '0', claimed('mine')), () => volumeChanged('PersistentVolume', 'fits'), true],
  ['VolumeBinding', 'a volume of another class', pod('w', '0', claimed('mine')), () => volumeChanged('PersistentVolume', 'slow'), false],
  ['VolumeBinding', 'its class', pod('w', '0', claimed('mine')), () => volumeChanged('StorageClass', 'wait'), true],
  ['VolumeBinding', 'room for its class', pod('w', '0', claimed('mine')), () => volumeChanged('CSIStorageCapacity', 'wait'), true],
  ['VolumeBinding', 'room for another class', pod('w', '0', claimed('mine')), () => volumeChanged('CSIStorageCapacity', 'slow'), false],
  ['VolumeBinding', 'the driver of another class', pod('w', '0', claimed('mine')), () => volumeChanged('CSIDriver', 'other'), false],
  ['NodeVolumeLimits', 'room for new volumes', pod('w', '0', claimed('mine')), () => volumeChanged('CSIStorageCapacity', 'wait'), false],
  ['VolumeBinding', 'another class', pod('w', '0', claimed('mine')), () => volumeChanged('StorageClass', 'slow'), false],
  ['VolumeRestrictions', 'who uses the claim leaves', pod('w', '0', claimed('mine')), (scene) => leaving(scene, claimed('mine')), true],
  ['VolumeRestrictions', 'who uses another leaves', pod('w', '0', claimed('mine')), (scene) => leaving(scene, claimed('other')), false],
]

function resized(now: Pod): Pod {
  return { ...now, metadata: { ...now.metadata, generation: 2 } }
}

function coming({ state, after }: Scene, labels: Record<string, string>) {
  return after(() => state.setPod(pod('new', '0', { nodeName: 'small' }, labels)))
}

function leaving({ state, after }: Scene, spec: DeepPartial<Pod['spec']>) {
  state.setPod(pod('going', '0', { ...spec, nodeName: 'small' }))
  return after(() => state.removePod('going'))
}

function untainted({ state, after }: Scene, left: { key: string; effect: string }[]) {
  state.setNode(node('small', { spec: { taints: [...left, { key: 'a', effect: 'NoSchedule' }] } }))
  return after(() => state.setNode(node('small', { spec: { taints: left } })))
}

for (const [rule, what, waiting, change, isHelp] of rows) {
  test(`${rule}: ${what}${isHelp === true ? '' : ', which helps nobody'}`, () => {
    const scene = cluster()
    const plugin = defaultProfile().find(({ plugin: { name } }) => name === rule)?.plugin
    assert.ok(plugin)
    const told = change(scene)
    if (isHelp === 'nobody is told') return assert.equal(told, undefined)
    assert.ok(told)
    const helps = plugin.freedBy.includes(told.what) && plugin.helps?.(podInfo(waiting), told, scene.state)
    assert.equal(helps, isHelp)
  })
}
