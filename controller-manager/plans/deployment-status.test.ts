import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import { deploymentStatus, untilDeadline } from './deployment-status.ts'

const START = Date.UTC(2030, 0, 1)
const SECOND = 1_000

function deployment(replicas: number, spec: object = {}, status: DeploymentStatus = {}): Deployment {
  const all = { replicas, strategy: { type: 'RollingUpdate' }, progressDeadlineSeconds: 60, selector: {}, template: {}, ...spec }
  return { metadata: { name: 'web', generation: 3 }, spec: all, status } as unknown as Deployment
}

function set(name: string, replicas: number, available: number, conditions: object[] = []): ReplicaSet {
  const status = { replicas, readyReplicas: available, availableReplicas: available, conditions }
  return { metadata: { name, uid: name }, spec: { replicas, selector: {} }, status } as unknown as ReplicaSet
}

/** The Deployment with the status it gets. */
function next(before: Deployment, sets: ReplicaSet[], newSet: ReplicaSet | undefined, now: number, justMade = false): Deployment {
  return { ...before, status: deploymentStatus(before, sets, newSet, now, justMade) }
}

const conditionOf = ({ status }: Deployment, type: string): DeploymentCondition | undefined =>
  status.conditions?.find((condition) => condition.type === type)
const progressOf = (object: Deployment) => {
  const { status, reason, message } = conditionOf(object, 'Progressing') ?? {}
  return [status, reason, message]
}

test('counts are sums of what the sets report, and what is zero is left out', () => {
  const fresh = set('new', 3, 1)
  const { status } = next(deployment(4), [set('old', 2, 2), fresh], fresh, START)
  const { conditions: _, ...counts } = status
  assert.deepEqual(JSON.parse(JSON.stringify(counts)), {
    observedGeneration: 3,
    replicas: 5,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    unavailableReplicas: 2,
  })
})

test('available means: not fewer than the bound', () => {
  const fresh = set('new', 4, 3)
  assert.equal(conditionOf(next(deployment(4), [fresh], fresh, START), 'Available')?.reason, 'MinimumReplicasAvailable')
  const fewer = set('new', 4, 2)
  const message = conditionOf(next(deployment(4), [fewer], fewer, START), 'Available')?.message
  assert.equal(message, 'Deployment does not have minimum availability.')
})

test('the course of a rollout: made, updated, available', () => {
  const none = set('web-1', 0, 0)
  let web = next(deployment(2), [none], none, START, true)
  assert.deepEqual(progressOf(web), ['True', 'NewReplicaSetCreated', 'Created new replica set "web-1"'])
  const some = set('web-1', 2, 1)
  web = next(web, [some], some, START + SECOND)
  assert.deepEqual(progressOf(web), ['True', 'ReplicaSetUpdated', 'ReplicaSet "web-1" is progressing.'])
  const all = set('web-1', 2, 2)
  web = next(web, [all], all, START + 2 * SECOND)
  assert.deepEqual(progressOf(web), ['True', 'NewReplicaSetAvailable', 'ReplicaSet "web-1" has successfully progressed.'])
  web = next(web, [some], some, START + 500 * SECOND)
  assert.equal(progressOf(web)[1], 'NewReplicaSetAvailable', 'a pod that dies later starts no new rollout')
})

test('a rollout that stands still fails at its deadline, not before; another template begins anew', () => {
  const stuck = set('web-1', 2, 0)
  let web = next(deployment(2), [stuck], stuck, START, true)
  web = next(web, [stuck], stuck, START + 59 * SECOND)
  assert.equal(untilDeadline(web, START + 59 * SECOND), SECOND)
  assert.equal(progressOf(web)[0], 'True')
  web = next(web, [stuck], stuck, START + 60 * SECOND)
  assert.deepEqual(progressOf(web), ['False', 'ProgressDeadlineExceeded', 'ReplicaSet "web-1" has timed out progressing.'])
  const paused = next({ ...web, spec: { ...web.spec, paused: true } }, [stuck], stuck, START + 61 * SECOND)
  assert.equal(progressOf(paused)[1], 'ProgressDeadlineExceeded', 'pausing does not hide the failure')
  const other = set('web-2', 0, 0)
  web = next(web, [stuck, other], other, START + 70 * SECOND)
  assert.deepEqual(progressOf(web), ['True', 'FoundNewReplicaSet', 'Found new replica set "web-2"'])
  assert.equal(untilDeadline(web, START + 70 * SECOND), 60 * SECOND)
})

test('progress moves the deadline on', () => {
  const sets = [0, 1, 2].map((available) => set('web-1', 3, available))
  let web = deployment(3)
  for (const [index, each] of sets.entries()) web = next(web, [each], each, START + index * 50 * SECOND)
  assert.equal(untilDeadline(web, START + 100 * SECOND), 60 * SECOND)
})

test('paused and resumed are said, and time spent paused does not count', () => {
  const half = set('web-1', 2, 1)
  let web = next(deployment(2), [half], half, START, true)
  web = next({ ...web, spec: { ...web.spec, paused: true } }, [half], half, START + 10 * SECOND)
  assert.deepEqual(progressOf(web), ['Unknown', 'DeploymentPaused', 'Deployment is paused'])
  assert.equal(untilDeadline(web, START + 900 * SECOND), undefined)
  web = next({ ...web, spec: { ...web.spec, paused: false } }, [half], half, START + 900 * SECOND)
  assert.deepEqual(progressOf(web), ['Unknown', 'DeploymentResumed', 'Deployment is resumed'])
  assert.equal(untilDeadline(web, START + 900 * SECOND), 60 * SECOND)
})

test('without a deadline there is no Progressing condition', () => {
  const half = set('web-1', 2, 1)
  const web = next(deployment(2, { progressDeadlineSeconds: 2 ** 31 - 1 }), [half], half, START)
  assert.equal(conditionOf(web, 'Progressing'), undefined)
})

test('a set that cannot make pods is heard, and forgotten when it can', () => {
  const failure = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }
  const failing = set('web-1', 0, 0, [failure])
  const web = next(deployment(1), [failing], failing, START)
  const { lastUpdateTime: _u, lastTransitionTime: _t, ...said } = conditionOf(web, 'ReplicaFailure') ?? {}
  assert.deepEqual(said, failure)
  const well = set('web-1', 1, 0)
  assert.equal(conditionOf(next(web, [well], well, START), 'ReplicaFailure'), undefined)
})

test('conditions keep their order and their times while nothing changes', () => {
  const all = set('web-1', 1, 1)
  const web = next(deployment(1), [all], all, START)
  assert.deepEqual(next(web, [all], all, START + 100 * SECOND).status, web.status)
})
