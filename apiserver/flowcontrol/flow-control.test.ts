import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../../shared/openapi/generated/flowcontrol-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import type { User } from '../authn/user.ts'
import { requestInfo } from '../http/request-info.ts'
import { mandatoryLevels, mandatorySchemas, suggestedLevels, suggestedSchemas } from './bootstrap-policy.ts'
import { FairQueues } from './fair-queues.ts'
import { FlowControl, type Seat } from './flow-control.ts'
import { planFlows } from './flow-policy.ts'
import { shareSeats } from './seat-shares.ts'
import { dealHand, requiredBits } from './shuffle-shard.ts'

const API = 'flowcontrol.apiserver.k8s.io/v1'
const levels = [...mandatoryLevels, ...suggestedLevels].map(
  ({ name, spec }): PriorityLevelConfiguration => ({
    ...{ apiVersion: API, kind: 'PriorityLevelConfiguration', metadata: { name, uid: `level-${name}` }, spec, status: {} },
  }),
)
const schemas = [...mandatorySchemas, ...suggestedSchemas].map(
  ({ name, spec }): FlowSchema => ({ apiVersion: API, kind: 'FlowSchema', metadata: { name, uid: `schema-${name}` }, spec, status: {} }),
)

const user = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, 'system:authenticated'] })
const account = (namespace: string, name: string) =>
  user(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)
const node = user('system:node:a', 'system:nodes')
const pods = requestInfo('GET', '/api/v1/namespaces/a/pods/x')

function flowControl(seats = 600) {
  const clock = manualClock()
  const control = new FlowControl({ seats, patience: 15_000, clock })
  control.configure(planFlows(schemas, levels, seats))
  const enter = (who: User, info = pods, objects = 1) => control.enter(control.flowOf(info, who), info, who, objects, () => {})
  /** Enters without having to wait. */
  const enterNow = (who: User, info = pods, objects = 1): Seat => {
    const seat = enter(who, info, objects)
    assert.ok(!(seat instanceof Promise), `${who.name} has to wait`)
    return seat
  }
  return { control, clock, enter, enterNow }
}

test('requests belong to the schema that upstream gives them', () => {
  const { control } = flowControl()
  const cases: [User, string, string, string][] = [
    [user('admin', 'system:masters'), 'DELETE', '/api/v1/pods', 'exempt'],
    [{ name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'GET', '/readyz', 'probes'],
    [{ name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'GET', '/version', 'global-default'],
    [user('x'), 'POST', '/readyz', 'global-default'],
    [
      user('system:kube-scheduler'),
      'PUT',
      '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler',
      'system-leader-election',
    ],
    [user('system:kube-scheduler'), 'PUT', '/apis/coordination.k8s.io/v1/namespaces/a/leases/x', 'kube-scheduler'],
    [user('system:kube-controller-manager'), 'PUT', '/api/v1/namespaces/a/endpoints/x', 'endpoint-controller'],
    [account('kube-system', 'endpoint-controller'), 'GET', '/api/v1/namespaces/a/endpoints/x', 'endpoint-controller'],
    [account('kube-system', 'deployment-controller'), 'GET', '/api/v1/namespaces/a/endpoints/x', 'kube-system-service-accounts'],
    [account('kube-system', 'x'), 'PUT', '/apis/coordination.k8s.io/v1/namespaces/b/leases/x', 'workload-leader-election'],
    [account('b', 'x'), 'GET', '/api/v1/pods', 'service-accounts'],
    [node, 'PATCH', '/api/v1/nodes/a/status', 'system-node-high'],
    [node, 'PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a', 'system-node-high'],
    [node, 'PATCH', '/api/v1/namespaces/a/pods/x/status', 'system-nodes'],
    [user('somebody'), 'GET', '/api/v1/nodes', 'global-default'],
  ]
  for (const [who, method, path, schema] of cases) {
    assert.equal(control.flowOf(requestInfo(method, path), who).plan.name, schema, `${who.name} ${method} ${path}`)
  }
})

test('a full level holds nobody else up', async () => {
  const { control, enterNow, enter, clock } = flowControl(245)
  const somebody = user('somebody')
  const flow = control.flowOf(pods, somebody)
  let taken = 0
  for (let seat = enter(somebody); !(seat instanceof Promise); seat = enter(somebody)) taken++
  assert.ok(taken >= flow.level.plan.share.nominal, `${taken}`)
  // Others get all of their own, also what had been lent.
  for (let n = 0; n < 40; n++) enterNow(node, requestInfo('PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a'))
  for (let n = 0; n < 30; n++) enterNow(node)
  for (let n = 0; n < 40; n++) enterNow(account('kube-system', 'deployment-controller'))
  enterNow(user('admin', 'system:masters'))
  await clock.settle()
})

test('who cannot be seated waits in the queue of its flow, and is told to come back when that is full or it takes too long', async () => {
  const { control, enter, clock } = flowControl(245)
  const somebody = user('somebody')
  const waiting: Promise<string>[] = []
  const seats: Seat[] = []
  const outcome = (seat: Promise<Seat>) =>
    seat.then(
      () => 'seated',
      (error) => (hasReason(error, 'TooManyRequests') ? String(error.details?.causes?.[0]?.reason) : String(error)),
    )
  for (let n = 0; n < 2_000; n++) {
    const seat = enter(somebody)
    if (seat instanceof Promise) waiting.push(outcome(seat))
    else seats.push(seat)
  }
  const { level } = control.flowOf(pods, somebody)
  const { handSize, queueLengthLimit } = level.plan.queues!
  assert.equal(level.waiting, handSize * queueLengthLimit)
  for (const seat of seats.splice(0, 10)) seat.leave()
  await clock.advance(15_001)
  const counts = Object.groupBy(await Promise.all(waiting), (one) => one)
  assert.equal(counts['seated']?.length, 10)
  assert.equal(counts['time-out']?.length, handSize * queueLengthLimit - 10)
  assert.equal(counts['queue-full']?.length, waiting.length - handSize * queueLengthLimit)
  assert.equal(level.waiting, 0)
})

test('a user who asks little is not behind one who asks much', async () => {
  const { enter, enterNow, clock } = flowControl(49)
  const greedy = user('greedy')
  const held: Seat[] = []
  for (let seat = enter(greedy); !(seat instanceof Promise); seat = enter(greedy)) held.push(seat)
  for (let n = 0; n < 200; n++) (enter(greedy) as Promise<Seat>).then((seat) => held.push(seat), assert.fail)
  let isSeated = false
  const modest = enter(user('modest'))
  assert.ok(modest instanceof Promise)
  void modest.then(() => (isSeated = true))
  // A flow may use six queues; a seventh is next after one turn of each.
  for (let n = 0; n < 7; n++) held.shift()!.leave()
  await clock.settle()
  assert.ok(isSeated, 'seven seats became free, and greedy got all of them')
  enterNow(node)
})

test('a client that goes while it waits leaves the queue', async () => {
  const { control, enter, clock } = flowControl(49)
  const somebody = user('somebody')
  for (let seat = enter(somebody); !(seat instanceof Promise); seat = enter(somebody));
  const flow = control.flowOf(pods, somebody)
  const before = flow.level.waiting
  let gone = () => {}
  const seat = control.enter(flow, pods, somebody, 1, (listener) => (gone = listener))
  assert.equal(flow.level.waiting, before + 1)
  gone()
  await assert.rejects(async () => seat, /went away/)
  assert.equal(flow.level.waiting, before)
  await clock.settle()
})

test('a list of many objects takes several seats, and never a large part of the level', () => {
  const { control, enterNow } = flowControl(1_200)
  const list = requestInfo('GET', '/api/v1/pods')
  const { level } = control.flowOf(list, user('somebody'))
  enterNow(user('somebody'), list, 350)
  assert.equal(level.inUse, 4)
  const seat = enterNow(user('somebody'), list, 100_000)
  assert.equal(level.inUse, 14)
  seat.leave()
  assert.equal(level.inUse, 4)
})

test('a schema whose level is missing is passed over; without any objects the mandatory ones hold', () => {
  const clock = manualClock()
  const control = new FlowControl({ seats: 10, patience: 1, clock })
  assert.equal(control.flowOf(pods, user('a')).plan.name, 'catch-all')
  assert.equal(control.flowOf(pods, user('a', 'system:masters')).plan.name, 'exempt')
  control.configure(
    planFlows(
      schemas,
      levels.filter(({ metadata }) => metadata.name !== 'global-default'),
      10,
    ),
  )
  assert.equal(control.flowOf(pods, user('a')).plan.name, 'catch-all')
  control.configure(planFlows(schemas, levels, 10))
  assert.equal(control.flowOf(pods, user('a')).plan.name, 'global-default')
})

test('who waits when a level changes keeps waiting, and is seated by the new numbers', async () => {
  const { control, enter, clock } = flowControl(49)
  const somebody = user('somebody')
  for (let seat = enter(somebody); !(seat instanceof Promise); seat = enter(somebody));
  const seat = enter(somebody)
  assert.ok(seat instanceof Promise)
  const larger = levels.map((level) => {
    if (level.metadata.name !== 'global-default') return level
    const limitResponse = { type: 'Queue', queuing: { queues: 4, handSize: 2, queueLengthLimit: 10 } }
    return { ...level, spec: { ...level.spec, limited: { ...level.spec.limited!, nominalConcurrencyShares: 2_000, limitResponse } } }
  })
  control.configure(planFlows(schemas, larger, 490))
  await clock.settle()
  ;(await seat).leave()
})

test('seats are shared as upstream does: rounded up, with what is kept and what may be borrowed', () => {
  const [a, b, none] = shareSeats(600, [
    { shares: 100, lendablePercent: 90, borrowingLimitPercent: undefined },
    { shares: 145, lendablePercent: 0, borrowingLimitPercent: 50 },
    { shares: 0, lendablePercent: 0, borrowingLimitPercent: 0 },
  ])
  assert.deepEqual(a, { nominal: 245, kept: 24, most: 600 })
  assert.deepEqual(b, { nominal: 356, kept: 356, most: 534 })
  assert.deepEqual(none, { nominal: 0, kept: 0, most: 0 })
})

test('a hand is dealt from the whole deck, without doubles, and is the same for the same flow', () => {
  const seen = new Set<number>()
  for (let n = 0; n < 2_000; n++) {
    const hand = dealHand(`flow ${n}`, 128, 6)
    assert.equal(new Set(hand).size, 6)
    assert.ok(hand.every((card) => card >= 0 && card < 128))
    for (const card of hand) seen.add(card)
  }
  assert.equal(seen.size, 128)
  assert.deepEqual(dealHand('a', 128, 6), dealHand('a', 128, 6))
  assert.deepEqual(dealHand('a', 6, 6).sort(), [0, 1, 2, 3, 4, 5])
  assert.equal(requiredBits(128, 6), 42)
})

test('queues get turns by what they have used, and idling earns nothing', () => {
  const queues = new FairQueues<{ width: number; of: string }>({ queues: 2, handSize: 1, queueLengthLimit: 100 })
  const flows = ['a', 'b', 'c', 'd', 'e'].map((flow) => ({ flow, index: dealHand(flow, 2, 1)[0]! }))
  const left = flows.find(({ index }) => index === 0)!.flow
  const right = flows.find(({ index }) => index === 1)!.flow
  const line = (flow: string, width: number) => queues.enqueue(flow, { width, of: flow })
  for (let n = 0; n < 40; n++) line(left, 1)
  const first = Array.from({ length: 20 }, () => queues.dequeue()!.request.of)
  assert.ok(first.every((of) => of === left))
  for (let n = 0; n < 10; n++) line(right, 4)
  const next = Array.from({ length: 15 }, () => queues.dequeue()!.request.of)
  const rights = next.filter((of) => of === right).length
  assert.ok(rights >= 3 && rights <= 4, `a request of four seats is four turns: ${next.join(' ')}`)
})
