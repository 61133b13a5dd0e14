import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node, Pod } from '../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../shared/random/random.ts'
import { ClusterState } from './cluster-state.ts'
import { podInfo } from './pod-info.ts'
import { defaultProfile } from './policy/profile.ts'
import { enoughNodes, SchedulingCycle } from './scheduling-cycle.ts'

type Parts<T> = { [P in keyof T]?: T[P] }

function node(
  name: string,
  parts: { labels?: Record<string, string>; spec?: Node['spec']; allocatable?: Record<string, string> } = {},
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...parts.labels } },
    spec: parts.spec ?? {},
    status: { allocatable: parts.allocatable ?? { cpu: '4', memory: '8Gi', pods: '110' } } as Node['status'],
  }
}

let serial = 0
function pod(spec: Parts<Pod['spec']> & { cpu?: string; memory?: string } = {}, metadata: Pod['metadata'] = {}): Pod {
  serial += 1
  const { cpu, memory, ...rest } = spec
  const requests = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${serial}`, namespace: 'default', uid: `uid-${serial}`, ...metadata },
    spec: { containers: [{ name: 'main', image: 'busybox', resources: { requests } }], ...rest },
    status: {},
  } as Pod
}

function cluster(nodes: Node[], placed: Pod[] = []): ClusterState {
  const state = new ClusterState()
  for (const each of nodes) state.setNode(each)
  for (const each of placed) state.setPod(each)
  return state
}

function place(candidate: Pod, state: ClusterState): string {
  const placement = new SchedulingCycle(defaultProfile(), seededRandom(7)).place(podInfo(candidate), state)
  return placement.node ? placement.node.name : placement.message
}

describe('filters say why', () => {
  const full = { cpu: '1', memory: '1Gi', pods: '110' }
  const cases: { name: string; nodes: Node[]; placed?: Pod[]; pod: Pod; expected: string }[] = [
    { name: 'no nodes', nodes: [], pod: pod(), expected: 'no nodes available to schedule pods' },
    {
      name: 'resources, both lacking',
      nodes: [node('a', { allocatable: full })],
      pod: pod({ cpu: '2', memory: '2Gi' }),
      expected: '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
    },
    {
      name: 'what is taken counts',
      nodes: [node('a', { allocatable: full })],
      placed: [pod({ cpu: '600m', nodeName: 'a' })],
      pod: pod({ cpu: '500m' }),
      expected: '0/1 nodes are available: 1 Insufficient cpu.',
    },
    {
      name: 'too many pods',
      nodes: [node('a', { allocatable: { ...full, pods: '1' } })],
      placed: [pod({ nodeName: 'a' })],
      pod: pod(),
      expected: '0/1 nodes are available: 1 Too many pods.',
    },
    {
      name: 'an extended resource nobody has',
      nodes: [node('a')],
      pod: pod({ containers: [{ name: 'c', resources: { requests: { 'example.com/gpu': '1' } } }] }),
      expected: '0/1 nodes are available: 1 Insufficient example.com/gpu.',
    },
    {
      name: 'taint, cordon and selector are counted apart',
      nodes: [
        node('a', { spec: { taints: [{ key: 'team', value: 'red', effect: 'NoSchedule' }] } }),
        node('b', { spec: { unschedulable: true } }),
        node('c'),
      ],
      pod: pod({ nodeSelector: { disk: 'ssd' } }),
      expected:
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.",
    },
    {
      name: 'host port taken on all addresses',
      nodes: [node('a')],
      placed: [
        pod({ nodeName: 'a', containers: [{ name: 'c', resources: {}, ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }] }] }),
      ],
      pod: pod({
        containers: [{ name: 'c', resources: {}, ports: [{ containerPort: 80, hostPort: 80, hostIP: '127.0.0.1', protocol: 'TCP' }] }],
      }),
      expected: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    },
    {
      name: 'required affinity to nobody',
      nodes: [node('a')],
      pod: pod({
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } },
            ],
          },
        },
      }),
      expected: "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
    },
  ]
  for (const { name, nodes, placed, pod: candidate, expected } of cases) {
    it(name, () => assert.equal(place(candidate, cluster(nodes, placed)), expected))
  }
})

describe('pods near to and far from others', () => {
  const apart = (app: string) => ({
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }],
    },
  })

  it('goes to the only node without a pod it avoids', () => {
    const state = cluster([node('a'), node('b')], [pod({ nodeName: 'a' }, { labels: { app: 'web' } })])
    assert.equal(place(pod({ affinity: apart('web') }), state), 'b')
  })

  it('is kept off by the anti-affinity of a pod already there', () => {
    const state = cluster([node('a')], [pod({ nodeName: 'a', affinity: apart('web') }, { labels: { app: 'db' } })])
    assert.equal(
      place(pod({}, { labels: { app: 'web' } }), state),
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    )
  })

  it('follows required affinity across hosts of a zone', () => {
    const zone = (value: string) => ({ labels: { 'topology.kubernetes.io/zone': value } })
    const state = cluster(
      [node('a', zone('x')), node('b', zone('y')), node('c', zone('y'))],
      [pod({ nodeName: 'b' }, { labels: { app: 'db' } })],
    )
    const near = {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: { app: 'db' } } },
        ],
      },
    }
    assert.match(place(pod({ affinity: near }), state), /^[bc]$/)
  })

  it('lets the first pod of a group that wants its own company start', () => {
    const own = {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
        ],
      },
    }
    assert.equal(place(pod({ affinity: own }, { labels: { app: 'web' } }), cluster([node('a')])), 'a')
  })
})

describe('choice among nodes that fit', () => {
  it('takes the emptier node', () => {
    const state = cluster([node('a'), node('b')], [pod({ nodeName: 'a', cpu: '3', memory: '6Gi' })])
    assert.equal(place(pod({ cpu: '500m', memory: '512Mi' }), state), 'b')
  })

  it('spreads the pods of one controller over hosts', () => {
    const owned = { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }] }
    const state = cluster([node('a'), node('b')], [pod({ nodeName: 'a' }, owned)])
    for (let attempt = 0; attempt < 10; attempt += 1) assert.equal(place(pod({}, owned), state), 'b')
  })

  it('keeps within maxSkew of a hard spread constraint', () => {
    const labels = { app: 'web' }
    const state = cluster([node('a'), node('b')], [pod({ nodeName: 'a' }, { labels })])
    const constraint = {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: labels },
    }
    assert.equal(place(pod({ topologySpreadConstraints: [constraint] }, { labels }), state), 'b')
    state.setNode(node('b', { spec: { unschedulable: true } }))
    assert.match(place(pod({ topologySpreadConstraints: [constraint] }, { labels }), state), /didn't match pod topology spread constraints/)
  })

  it('counts a pod as soon as it is assumed, and no longer once that is forgotten', () => {
    const state = cluster([node('a', { allocatable: { cpu: '1', memory: '1Gi', pods: '9' } })])
    const first = podInfo(pod({ cpu: '800m' }))
    state.assume(first, 'a')
    assert.match(place(pod({ cpu: '800m' }), state), /Insufficient cpu/)
    state.forget(first.uid)
    assert.equal(place(pod({ cpu: '800m' }), state), 'a')
  })

  it('gives room away that a resized pod has given back, not before; and none that one waits for', () => {
    const state = cluster([node('a', { allocatable: { cpu: '1', memory: '1Gi', pods: '9' } })])
    const resized = (asked: string, granted: string): Pod => {
      const one = pod({ cpu: asked, nodeName: 'a' }, { name: 'resized', uid: 'resized', generation: 2 })
      const status = { name: 'main', image: 'busybox', imageID: '', ready: true, restartCount: 0, state: {}, lastState: {} }
      const has = { allocatedResources: { cpu: granted }, resources: { requests: { cpu: granted } } }
      return { ...one, status: { containerStatuses: [{ ...status, ...has }] } }
    }
    state.setPod(resized('200m', '800m'))
    assert.match(place(pod({ cpu: '500m' }), state), /Insufficient cpu/)
    // Only the status differs from now on.
    state.setPod(resized('200m', '200m'))
    assert.equal(place(pod({ cpu: '500m' }), state), 'a')
    state.setPod(resized('800m', '200m'))
    assert.match(place(pod({ cpu: '500m' }), state), /Insufficient cpu/)
  })

  it('prefers a node without a PreferNoSchedule taint', () => {
    const tainted = node('a', { spec: { taints: [{ key: 'slow', effect: 'PreferNoSchedule' }] } })
    for (let attempt = 0; attempt < 10; attempt += 1) assert.equal(place(pod(), cluster([tainted, node('b')])), 'b')
  })
})

it('samples large clusters and looks at every node of small ones', () => {
  assert.deepEqual(
    [1, 99, 100, 1000, 5000, 100_000].map((total) => enoughNodes(total)),
    [1, 99, 100, 420, 500, 5000],
  )
})
