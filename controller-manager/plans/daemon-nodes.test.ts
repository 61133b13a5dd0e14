import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod, PodSpec, Taint, Toleration } from '../../shared/openapi/generated/core-v1.ts'
import { daemonPodSpec, daemonTolerations, nodeOf, placeOn } from './daemon-nodes.ts'

const node = (labels: Record<string, string> = {}, taints: Taint[] = []) =>
  ({ metadata: { name: 'a', labels }, spec: { taints } }) as unknown as Node
const spec = (more: Partial<PodSpec> = {}): PodSpec => ({ containers: [], ...more }) as unknown as PodSpec
const taint = (key: string, effect: string): Taint => ({ key, effect })

test('where daemons belong', () => {
  const needs = (key: string) => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] },
    },
  })
  const cases: [what: string, node: Node, spec: PodSpec, shouldRun: boolean, mayStay: boolean][] = [
    ['anywhere', node(), spec(), true, true],
    ['another node by name', node(), spec({ nodeName: 'b' }), false, false],
    ['this node by name', node(), spec({ nodeName: 'a' }), true, true],
    ['selector', node({ disk: 'ssd' }), spec({ nodeSelector: { disk: 'ssd' } }), true, true],
    ['another selector', node({ disk: 'hdd' }), spec({ nodeSelector: { disk: 'ssd' } }), false, false],
    ['affinity', node({ gpu: '' }), spec({ affinity: needs('gpu') }), true, true],
    ['another affinity', node(), spec({ affinity: needs('gpu') }), false, false],
    ['NoSchedule keeps off', node({}, [taint('x', 'NoSchedule')]), spec(), false, true],
    ['NoExecute drives away', node({}, [taint('x', 'NoExecute')]), spec(), false, false],
    ['PreferNoSchedule does neither', node({}, [taint('x', 'PreferNoSchedule')]), spec(), true, true],
    ['tolerated', node({}, [taint('x', 'NoExecute')]), spec({ tolerations: [{ key: 'x', operator: 'Exists' }] }), true, true],
    ['cordoned', node({}, [taint('node.kubernetes.io/unschedulable', 'NoSchedule')]), spec(), true, true],
    ['lost', node({}, [taint('node.kubernetes.io/unreachable', 'NoExecute')]), spec(), true, true],
    ['never ready yet', node({}, [taint('node.kubernetes.io/not-ready', 'NoSchedule')]), spec(), false, true],
    ['no network', node({}, [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')]), spec(), false, true],
    [
      'no network needed',
      node({}, [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')]),
      spec({ hostNetwork: true }),
      true,
      true,
    ],
  ]
  for (const [what, where, pod, shouldRun, mayStay] of cases) assert.deepEqual(placeOn(where, pod), { shouldRun, mayStay }, what)
})

test('a toleration of a taint that daemons bear is replaced by the daemons’ own', () => {
  const brief: Toleration = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }
  const other: Toleration = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoSchedule' }
  const tolerations = daemonTolerations(spec({ tolerations: [brief, other] }))
  assert.deepEqual(tolerations[0], other)
  assert.equal(tolerations.length, 7)
  assert.ok(!tolerations.some(({ tolerationSeconds }) => tolerationSeconds === 5))
  assert.equal(daemonTolerations(spec({ hostNetwork: true })).length, 7)
})

test('a daemon’s pod is meant for one node, whatever its template required; what it preferred stays', () => {
  const preferred = [{ weight: 1, preference: {} }]
  const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }] }
  const nodeAffinity = {
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
    requiredDuringSchedulingIgnoredDuringExecution: required,
  }
  const made = daemonPodSpec(spec({ affinity: { nodeAffinity, podAffinity: {} } }), 'b')
  assert.deepEqual(made.affinity?.nodeAffinity, {
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }],
    },
  })
  assert.deepEqual(made.affinity?.podAffinity, {})
  const pod = (podSpec: PodSpec) => ({ spec: podSpec }) as unknown as Pod
  assert.equal(nodeOf(pod(made)), 'b')
  assert.equal(nodeOf(pod({ ...made, nodeName: 'c' })), 'c')
  assert.equal(nodeOf(pod(spec({ affinity: { nodeAffinity } }))), undefined)
})
