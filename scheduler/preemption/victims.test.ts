import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { ClusterState } from '../cluster-state.ts'
import type { PodInfo } from '../pod-info.ts'
import { podInfo } from '../pod-info.ts'
import { defaultProfile } from '../policy/profile.ts'
import { SchedulingCycle } from '../scheduling-cycle.ts'
import { findPreemption, ineligible, type Preemption } from './preemption.ts'
import { byBudget, type Candidate, leastLoss } from './victims.ts'

function node(name: string, cpu = '4', spec: Node['spec'] = {}): Node {
  const status = { allocatable: { cpu, memory: '8Gi', pods: '110' } } as unknown as Node['status']
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec, status }
}

interface PodParts {
  cpu?: string
  priority?: number
  on?: string
  started?: string
  labels?: Record<string, string>
  spec?: Partial<Pod['spec']>
}

function pod(name: string, { cpu = '1', priority = 0, on, started = '2026-01-01T00:00:00Z', labels = {}, spec = {} }: PodParts = {}): Pod {
  const containers = [{ name: 'main', resources: { requests: { cpu } } }]
  const placed = on ? { nodeName: on } : {}
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: name, labels } },
    ...{ spec: { containers, priority, ...placed, ...spec }, status: { startTime: started } },
  } as Pod
}

function budget(allowed: number, disruptedPods: Record<string, string> = {}): PodDisruptionBudget {
  const status = { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptedPods }
  const spec = { selector: { matchLabels: { app: 'kept' } } }
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'default' }, spec, status }
}

function stateOf(nodes: readonly Node[], pods: readonly Pod[]): ClusterState {
  const state = new ClusterState()
  for (const each of nodes) state.setNode(each)
  for (const each of pods) state.setPod(each)
  return state
}

/** What preemption decides for a pod that fits nowhere. */
function preempt(
  newcomer: Pod,
  cluster: ClusterState,
  budgets: readonly PodDisruptionBudget[] = [],
  random: Random = seededRandom(1),
): Preemption {
  const cycle = new SchedulingCycle(defaultProfile(), random)
  const info = podInfo(newcomer)
  const placement = cycle.place(info, cluster)
  if (placement.node) throw new Error(`it fits on ${placement.node.name}`)
  const { refusers } = placement
  return findPreemption(info, { cluster, budgets, random, refusers, fits: cycle.fitsAfterRemoval(info, cluster) })
}

const names = (found: Preemption) =>
  found.node ? [found.node.name, ...found.victims.map(({ pod: { metadata } }) => metadata.name)] : [found.why]

describe('victims', () => {
  it('are as few as possible, the least important, and never of equal priority', () => {
    const on = 'a'
    const pods = [
      pod('low', { on, priority: 1 }),
      pod('lower', { on }),
      pod('same', { on, priority: 5 }),
      pod('lowest', { on, priority: -1 }),
    ]
    assert.deepEqual(names(preempt(pod('new', { priority: 5, cpu: '1' }), stateOf([node('a')], pods))), ['a', 'lowest'])
    assert.deepEqual(names(preempt(pod('new', { priority: 5, cpu: '2' }), stateOf([node('a')], pods))), ['a', 'lower', 'lowest'])
    const why = '0/1 nodes are available: 1 No preemption victims found for incoming pod.'
    assert.deepEqual(names(preempt(pod('new', { priority: 5, cpu: '4' }), stateOf([node('a')], pods))), [why])
  })

  it('of equal priority are the youngest', () => {
    const pods = ['2026-01-01T00:00:01Z', '2026-01-01T00:00:03Z', '2026-01-01T00:00:02Z', '2026-01-01T00:00:00Z'].map((started, index) =>
      pod(`p${index}`, { on: 'a', started }),
    )
    assert.deepEqual(names(preempt(pod('new', { priority: 1 }), stateOf([node('a')], pods))), ['a', 'p1'])
  })

  it('are not found where pods leaving would not help', () => {
    const pods = [pod('low', { on: 'cordoned', cpu: '4' })]
    const why = '0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
    assert.deepEqual(names(preempt(pod('new', { priority: 1 }), stateOf([node('cordoned', '4', { unschedulable: true })], pods))), [why])
  })

  it('make room for ports and against anti-affinity, too', () => {
    const ports = { containers: [{ name: 'main', resources: {}, ports: [{ containerPort: 80, hostPort: 80 }] }] }
    const holder = [pod('holder', { on: 'a', spec: ports }), pod('other', { on: 'a' })]
    assert.deepEqual(names(preempt(pod('new', { priority: 1, spec: ports }), stateOf([node('a')], holder))), ['a', 'holder'])
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'kept' } } }
    const apart = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }
    const near = [pod('near', { on: 'a', labels: { app: 'kept' } }), pod('other', { on: 'a' })]
    assert.deepEqual(names(preempt(pod('new', { priority: 1, spec: apart }), stateOf([node('a')], near))), ['a', 'near'])
  })

  it('are rather those that no budget guards', () => {
    const labels = { app: 'kept' }
    const pods = [pod('kept', { on: 'a', cpu: '2', labels }), pod('free', { on: 'a', cpu: '2', priority: 1 })]
    assert.deepEqual(names(preempt(pod('new', { priority: 2, cpu: '2' }), stateOf([node('a')], pods), [budget(0)])), ['a', 'free'])
    assert.deepEqual(names(preempt(pod('new', { priority: 2, cpu: '2' }), stateOf([node('a')], pods), [budget(1)])), ['a', 'kept'])
  })

  it('leave the picture as it was', () => {
    const state = stateOf([node('a')], [pod('low', { on: 'a', cpu: '3' }), pod('lower', { on: 'a', cpu: '1', priority: -1 })])
    const [a] = state.list()
    const before = [a?.requestedMilliCpu, a?.pods.size]
    preempt(pod('new', { priority: 1, cpu: '2' }), state)
    assert.deepEqual([a?.requestedMilliCpu, a?.pods.size], before)
  })
})

describe('pods that may not displace others', () => {
  it('are those that never do, and those whose victims are on their way out', () => {
    const state = stateOf([node('a')], [pod('low', { on: 'a', cpu: '4' })])
    const cycle = new SchedulingCycle(defaultProfile(), seededRandom(1))
    const info = podInfo(pod('new', { priority: 1 }))
    const placement = cycle.place(info, state)
    assert.ok(!placement.node)
    const { refusers } = placement
    const meek = podInfo(pod('meek', { priority: 1, spec: { preemptionPolicy: 'Never' } }))
    assert.equal(ineligible(meek, state, refusers), 'not eligible due to preemptionPolicy=Never.')
    state.nominations.set(info, 'a')
    assert.equal(ineligible(info, state, refusers), undefined)
    const leaving = pod('low', { on: 'a', cpu: '4' })
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    leaving.status.conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }]
    state.setPod(leaving)
    assert.equal(ineligible(info, state, refusers), 'not eligible due to a terminating pod on the nominated node.')
  })
})

describe('room that is being made', () => {
  it('is nobody’s of lower or equal priority', () => {
    const state = stateOf([node('a')], [])
    const cycle = new SchedulingCycle(defaultProfile(), seededRandom(1))
    const important = podInfo(pod('important', { priority: 5, cpu: '3' }))
    state.nominations.set(important, 'a')
    assert.equal(cycle.place(podInfo(pod('meek', { cpu: '2' })), state).node, undefined)
    assert.equal(cycle.place(podInfo(pod('equal', { cpu: '2', priority: 5 })), state).node, undefined)
    assert.equal(cycle.place(podInfo(pod('small', { cpu: '1' })), state).node?.name, 'a')
    assert.equal(cycle.place(podInfo(pod('king', { cpu: '2', priority: 6 })), state).node?.name, 'a')
    assert.equal(cycle.place(important, state).node?.name, 'a')
    assert.equal(state.list()[0]?.pods.size, 0)
  })
})

describe('the node that loses least', () => {
  const candidate = (name: string, priorities: readonly number[], { violations = 0, started = '2026-01-01T00:00:00Z' } = {}): Candidate => {
    const victims = priorities.map((priority, index) => podInfo(pod(`${name}${index}`, { priority, started })))
    const [info] = stateOf([node(name)], []).list()
    if (!info) throw new Error('a state of one node has one')
    return { node: info, victims, violations }
  }
  const cases: readonly [string, readonly Candidate[], string][] = [
    ['has the fewest violations', [candidate('a', [1], { violations: 1 }), candidate('b', [9, 9])], 'b'],
    ['then the lowest highest priority', [candidate('a', [5]), candidate('b', [4, 4, 4])], 'b'],
    ['then the lowest sum', [candidate('a', [5, 4]), candidate('b', [5, 3])], 'b'],
    ['a sum never shrinks with more pods', [candidate('a', [5, -9]), candidate('b', [5])], 'b'],
    ['then the latest start', [candidate('a', [5]), candidate('b', [5], { started: '2026-01-01T00:00:09Z' })], 'b'],
    ['then it is the first', [candidate('a', [5]), candidate('b', [5])], 'a'],
  ]
  for (const [name, candidates, expected] of cases) it(name, () => assert.equal(leastLoss(candidates)?.node.name, expected))
})

it('a budget allows as many as it says, and those that it counts as gone already', () => {
  const infos = ['a', 'b', 'c'].map((name) => podInfo(pod(name, { labels: { app: 'kept' } })))
  const kept = (budgets: PodDisruptionBudget[]) => byBudget(infos, budgets).guarded.map(({ pod: { metadata } }) => metadata.name)
  assert.deepEqual(kept([budget(2)]), ['c'])
  assert.deepEqual(kept([budget(1, { a: '2026-01-01T00:00:00Z' })]), ['c'])
  assert.deepEqual(kept([{ ...budget(0), spec: { selector: {} } }]), [], 'an empty selector is about nobody here')
})

/** Every set of pods whose leaving makes room, by brute force. */
function* roomySets(pods: readonly PodInfo[], needed: number): Generator<PodInfo[]> {
  for (let mask = 1; mask < 2 ** pods.length; mask++) {
    const set = pods.filter((_, index) => mask & (1 << index))
    if (set.reduce((sum, { milliCpu }) => sum + milliCpu, 0) >= needed) yield set
  }
}

it('against every possible choice on small clusters: room is found when there is any, nobody leaves in vain, and no node has a lower highest victim', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = seededRandom(seed)
    const upTo = (limit: number) => Math.floor(random.fraction() * limit)
    const nodes = Array.from({ length: 1 + upTo(4) }, (_, index) => node(`n${index}`, '4'))
    const pods = nodes.flatMap(({ metadata }) =>
      Array.from({ length: 4 }, (_, index) =>
        pod(`${metadata.name}-${index}`, { on: metadata.name!, cpu: `${500 + 250 * upTo(3)}m`, priority: upTo(5) }),
      ),
    )
    const state = stateOf(nodes, pods)
    const newcomer = pod('new', { priority: 3, cpu: `${2_500 + 500 * upTo(4)}m` })
    const info = podInfo(newcomer)
    const options = state.list().flatMap((each) => {
      const lower = [...each.pods.values()].filter(({ priority }) => priority < 3)
      const needed = info.milliCpu - (each.allocatableMilliCpu - each.requestedMilliCpu)
      return needed <= 0
        ? []
        : [...roomySets(lower, needed)].map((set) => ({ each, highest: Math.max(...set.map(({ priority }) => priority)) }))
    })
    if (new SchedulingCycle(defaultProfile(), random).place(info, state).node) continue
    const found = preempt(newcomer, state, [], random)
    assert.equal(found.node === undefined, options.length === 0, `seed ${seed}`)
    if (!found.node) continue
    const freed = found.victims.reduce((sum, { milliCpu }) => sum + milliCpu, 0)
    const lacking = info.milliCpu - (found.node.allocatableMilliCpu - found.node.requestedMilliCpu)
    for (const victim of found.victims) assert.ok(freed - victim.milliCpu < lacking, `seed ${seed}: ${victim.key} left in vain`)
    const lowestHighest = Math.min(...options.map(({ highest }) => highest))
    assert.equal(found.victims[0]?.priority, lowestHighest, `seed ${seed}`)
  }
})
