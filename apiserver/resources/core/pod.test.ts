import assert from 'node:assert/strict'
import test from 'node:test'
import { deepFreeze } from '../../../shared/objects/object.ts'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../../shared/random/random.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { TestReader } from '../../../test/harness/object-reader.ts'
import type { HookContext, SubresourceCall } from '../../registry/define-resource.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import definition from './pod.ts'

const { hooks } = definition
const context: HookContext = {
  user: { name: 'u', groups: [] },
  reader: new TestReader(),
  clock: { ...realClock(), now: () => Date.parse('2026-11-23T12:00:00Z') },
  random: seededRandom(1),
  dryRun: false,
  warn: () => undefined,
}

function podOf(fields: object): Pod {
  const pod = decodeObject('v1', 'Pod', structuredClone({ metadata: { name: 'p', namespace: 'n', uid: 'uid-1' }, ...fields }), {
    fieldValidation: 'Strict',
  }) as Pod
  hooks.applyDefaults?.(pod, context)
  return pod
}
const one = { containers: [{ name: 'c', image: 'x' }] }

test('a new pod is Pending, with its class, and gated if it has gates', () => {
  const pod = podOf({ spec: { ...one, schedulingGates: [{ name: 'g' }] }, status: { phase: 'Running', podIP: '10.0.0.1' } })
  hooks.prepareForCreate?.(pod, context)
  assert.equal(pod.status.phase, 'Pending')
  assert.equal(pod.status.qosClass, 'BestEffort')
  assert.equal(pod.status.podIP, undefined)
  assert.equal(pod.status.conditions?.[0]?.reason, 'SchedulingGated')
  assert.throws(() => hooks.prepareForCreate?.(podOf({ spec: { ...one, schedulingGates: [{ name: 'g' }], nodeName: 'n' } }), context), {
    code: 422,
  })
})

test('how long a delete waits', () => {
  const grace = (spec: object, status: object, asked?: number) =>
    hooks.gracePeriodSeconds?.(podOf({ spec: { ...one, ...spec }, status }), asked)
  assert.equal(grace({}, { phase: 'Pending' }), 0)
  assert.equal(grace({ nodeName: 'n' }, { phase: 'Running' }), 30)
  assert.equal(grace({ nodeName: 'n', terminationGracePeriodSeconds: 5 }, { phase: 'Running' }), 5)
  assert.equal(grace({ nodeName: 'n' }, { phase: 'Running' }, 7), 7)
  assert.equal(grace({ nodeName: 'n' }, { phase: 'Running' }, 0), 0)
  assert.equal(grace({ nodeName: 'n', terminationGracePeriodSeconds: -5 }, { phase: 'Running' }), 1)
  assert.equal(grace({ nodeName: 'n' }, { phase: 'Failed' }), 0)
})

test('addresses of a status come as one and as a list', () => {
  const { status } = podOf({ spec: one, status: { podIP: '10.0.0.1', hostIP: '10.0.0.2' } })
  assert.deepEqual([status.podIPs, status.hostIPs], [[{ ip: '10.0.0.1' }], [{ ip: '10.0.0.2' }]])
  assert.equal(podOf({ spec: one, status: { podIPs: [{ ip: '10.0.0.3' }] } }).status.podIP, '10.0.0.3')
})

test('the ephemeralcontainers view changes nothing else, and leaves the stored pod alone', () => {
  const previous = deepFreeze(podOf({ spec: one, status: { podIP: '10.0.0.1' } }))
  const next = podOf({
    metadata: { name: 'p', labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'other' }], nodeName: 'n', ephemeralContainers: [{ name: 'e', image: 'x' }] },
  })
  const view = hooks.views?.['ephemeralcontainers']
  view?.restrict(next, previous, context)
  hooks.applyDefaults?.(next, context)
  assert.equal(next.spec.containers[0]?.image, 'x')
  assert.equal(next.spec.nodeName, undefined)
  assert.equal(next.metadata.labels, undefined)
  assert.deepEqual(
    next.spec.ephemeralContainers?.map((each) => each.name),
    ['e'],
  )
  assert.deepEqual([...(view?.validate?.(next, previous) ?? [])], [])
})

function callOn(pod: Pod, body: object): { call: SubresourceCall<Pod>; removed: object[] } {
  const removed: object[] = []
  const call: SubresourceCall<Pod> = {
    ...{ parent: pod, body, query: new URLSearchParams(), context },
    async update(change) {
      change(pod)
      return pod
    },
    async updateOther() {
      throw new Error('there is no other object')
    },
    remove: async (options) => void removed.push(options),
  }
  return { call, removed }
}

test('binding gives a node, once', async () => {
  const bind = hooks.actions!['binding']!
  const target = { kind: 'Node', name: 'n1' }
  const pod = podOf({ spec: one, status: { conditions: [{ type: 'PodScheduled', status: 'False' }] } })
  const answer = await bind.run(callOn(pod, { metadata: { name: 'p', annotations: { a: 'b' } }, target }).call)
  assert.deepEqual(answer, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })
  assert.equal(pod.spec.nodeName, 'n1')
  assert.equal(pod.metadata.annotations?.['a'], 'b')
  assert.deepEqual(pod.status.conditions, [
    { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: '2026-11-23T12:00:00Z' },
  ])
  await assert.rejects(bind.run(callOn(pod, { target }).call), { code: 409, message: /pod p is already assigned to node "n1"/ })
  const refusals: [Pod, object, number][] = [
    [podOf({ spec: one }), { target: { kind: 'Pod', name: 'x' } }, 422],
    [podOf({ spec: one }), { target: { kind: 'Node' } }, 422],
    [podOf({ spec: one }), { metadata: { uid: 'other' }, target }, 409],
    [podOf({ spec: { ...one, schedulingGates: [{ name: 'g' }] } }), { target }, 409],
    [podOf({ metadata: { name: 'p', deletionTimestamp: '2026-11-23T12:00:00Z' }, spec: one }), { target }, 409],
    [podOf({ spec: one }), { target: 'x' }, 400],
  ]
  for (const [given, body, code] of refusals) await assert.rejects(bind.run(callOn(given, body).call), { code }, JSON.stringify(body))
})

test('eviction deletes as asked', async () => {
  const evict = hooks.actions!['eviction']!
  const { call, removed } = callOn(podOf({ spec: one }), {
    metadata: { name: 'p' },
    deleteOptions: { gracePeriodSeconds: 3, preconditions: { uid: 'uid-1' } },
  })
  await evict.run(call)
  assert.deepEqual(removed, [{ gracePeriodSeconds: 3, preconditions: { uid: 'uid-1' } }])
  await assert.rejects(evict.run(callOn(podOf({ spec: one }), { metadata: { name: 'other' } }).call), { code: 400 })
})
