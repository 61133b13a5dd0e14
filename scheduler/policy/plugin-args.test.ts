import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { ClusterState } from '../cluster-state.ts'
import { podInfo } from '../pod-info.ts'
import { enoughCandidates } from '../preemption/preemption.ts'
import { enoughNodes, SchedulingCycle } from '../scheduling-cycle.ts'
import type { PluginArgs } from './plugin-args.ts'
import { changesOfFlag, profileOf } from './profile.ts'

const ZONE = 'topology.kubernetes.io/zone'

function node(name: string, zone: string, more: Record<string, string> = {}): Node {
  const allocatable = { cpu: '10', memory: '10Gi', pods: '110', 'example.com/chip': '4', ...more }
  return made('v1', 'Node', { metadata: { name, labels: { [ZONE]: zone } }, status: { allocatable } })
}

function pod(
  name: string,
  spec: object = {},
  { requests = { cpu: '1' }, owner = '' }: { requests?: Record<string, string>; owner?: string } = {},
): Pod {
  const owners = owner
    ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] }
    : {}
  const metadata = { name, uid: name, namespace: 'x', labels: { app: 'web' }, ...owners }
  return made('v1', 'Pod', { metadata, spec: { containers: [{ name: 'main', resources: { requests } }], ...spec } })
}

/** Where the pod goes by only these rules: two nodes, `full` in zone one and `empty` in zone two. */
function place(
  only: string,
  args: PluginArgs,
  candidate: Pod,
  placed: Pod[] = [],
  nodes = [node('full', 'one'), node('empty', 'two')],
): string {
  const state = new ClusterState()
  for (const each of nodes) state.setNode(each)
  for (const each of placed) state.setPod(each)
  const { rules } = profileOf(changesOfFlag(['-*', ...only.split(' ')]), args)
  const placement = new SchedulingCycle(rules, seededRandom(3)).place(podInfo(candidate), state)
  return placement.node ? placement.node.name : placement.message
}

const on = (nodeName: string, name: string, cpu: string, more: object = {}, owner = '') =>
  pod(name, { nodeName, ...more }, { requests: { cpu }, owner })
const fit = (scoringStrategy: NonNullable<PluginArgs['NodeResourcesFit']>['scoringStrategy']) => ({
  NodeResourcesFit: { ...(scoringStrategy && { scoringStrategy }) },
})

test('NodeResourcesFit packs, spreads, or follows a shape', () => {
  const placed = [on('full', 'a', '4')]
  assert.equal(place('NodeResourcesFit=1', {}, pod('w'), placed), 'empty')
  assert.equal(place('NodeResourcesFit=1', fit({ type: 'MostAllocated' }), pod('w'), placed), 'full')
  const resources = [{ name: 'cpu' }]
  const peak = (utilization: number) => [
    { utilization: 0, score: 0 },
    { utilization, score: 10 },
    { utilization: 100, score: 0 },
  ]
  const shaped = (utilization: number) =>
    fit({ type: 'RequestedToCapacityRatio', resources, requestedToCapacityRatio: { shape: peak(utilization) } })
  assert.equal(place('NodeResourcesFit=1', shaped(50), pod('w'), placed), 'full')
  assert.equal(place('NodeResourcesFit=1', shaped(10), pod('w'), placed), 'empty')
})

test('a strategy weighs the resources that it names, those that the pod asks for', () => {
  const chips = { 'example.com/chip': '1' }
  const placed = [pod('a', { nodeName: 'full' }, { requests: chips }), on('empty', 'b', '9')]
  const args = fit({
    type: 'MostAllocated',
    resources: [
      { name: 'example.com/chip', weight: 50 },
      { name: 'cpu', weight: 1 },
    ],
  })
  assert.equal(place('NodeResourcesFit=1', args, pod('w', {}, { requests: chips }), placed), 'full')
  assert.equal(place('NodeResourcesFit=1', args, pod('w'), placed), 'empty', 'it asks for no chips')
})

test('NodeResourcesFit leaves resources to others', () => {
  const greedy = pod('w', {}, { requests: { 'example.com/chip': '9' } })
  assert.match(place('NodeResourcesFit=1', {}, greedy), /Insufficient example\.com\/chip/)
  assert.match(place('NodeResourcesFit=1', { NodeResourcesFit: { ignoredResources: ['example.com/chip'] } }, greedy), /full|empty/)
  assert.match(place('NodeResourcesFit=1', { NodeResourcesFit: { ignoredResourceGroups: ['example.com'] } }, greedy), /^(full|empty)$/)
})

test('NodeResourcesBalancedAllocation balances the resources that it is told', () => {
  const asks = { cpu: '1', 'example.com/chip': '1' }
  const nodes = [node('full', 'one', { cpu: '4' }), node('empty', 'two', { cpu: '40' })]
  const args = { NodeResourcesBalancedAllocation: { resources: [{ name: 'cpu' }, { name: 'example.com/chip' }] } }
  assert.equal(place('NodeResourcesBalancedAllocation=1', args, pod('w', {}, { requests: asks }), [], nodes), 'full')
})

test('NodeAffinity adds what every pod must keep to, and what it likes', () => {
  const term = { matchExpressions: [{ key: ZONE, operator: 'In', values: ['two'] }] }
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } }
  assert.equal(place('NodeAffinity=1', { NodeAffinity: { addedAffinity: required } }, pod('w')), 'empty')
  const vain = place('NodeAffinity=1', { NodeAffinity: { addedAffinity: required } }, pod('w'), [], [node('full', 'one')])
  assert.equal(vain, "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity.")
  const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: term }] }
  assert.equal(place('NodeAffinity=1', { NodeAffinity: { addedAffinity: preferred } }, pod('w')), 'empty')
})

const term = { topologyKey: ZONE, labelSelector: { matchLabels: { app: 'web' } } }

test('InterPodAffinity weighs what placed pods ask for, or looks away', () => {
  const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }
  const likes = { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: term }] } } }
  const placed = [on('full', 'a', '1', near), on('empty', 'b', '1', likes)]
  const by = (hardPodAffinityWeight: number) =>
    place('InterPodAffinity=1', { InterPodAffinity: { hardPodAffinityWeight } }, pod('w'), placed)
  assert.deepEqual([by(100), by(0)], ['full', 'empty'])
  const args = { InterPodAffinity: { ignorePreferredTermsOfExistingPods: true } }
  assert.equal(place('InterPodAffinity=1 NodeResourcesFit=1', args, pod('w'), [on('full', 'a', '5', likes)]), 'empty')
})

test('PodTopologySpread spreads those who ask for nothing, as the list says', () => {
  const placed = [on('full', 'a', '1', {}, 'set')]
  const listed = (whenUnsatisfiable: string): PluginArgs => {
    return { PodTopologySpread: { defaultingType: 'List', defaultConstraints: [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable }] } }
  }
  const kin = pod('w', {}, { owner: 'set' })
  assert.equal(place('PodTopologySpread=1', listed('DoNotSchedule'), kin, placed), 'empty')
  assert.equal(place('PodTopologySpread=1', listed('ScheduleAnyway'), kin, placed), 'empty')
  const packing = { ...listed('DoNotSchedule'), ...fit({ type: 'MostAllocated' }) }
  assert.equal(place('PodTopologySpread=1 NodeResourcesFit=1', packing, pod('w', {}, { owner: 'other' }), placed), 'full', 'no kin of it')
})

test('how many are looked at is told', () => {
  assert.deepEqual([enoughNodes(5_000), enoughNodes(5_000, 50), enoughNodes(5_000, 1), enoughNodes(50, 1)], [500, 2_500, 100, 50])
  assert.deepEqual([enoughCandidates(5_000, {}), enoughCandidates(5_000, { minCandidateNodesPercentage: 1 })], [100, 100])
  assert.deepEqual(
    [
      enoughCandidates(5_000, { minCandidateNodesAbsolute: 7 }),
      enoughCandidates(20, { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 7 }),
    ],
    [500, 7],
  )
})
