import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerStatus, SandboxStatus } from '../runtime/container-runtime.ts'
import { podStatus, type StatusInput } from './pod-status.ts'
import { statusPatch } from './status-writer.ts'

const NOW = Date.UTC(2030, 0, 1)

function podOf(spec: object = {}, status: object = {}, metadata: object = {}): Pod {
  const containers = [{ name: 'a', image: 'app', resources: {} }]
  const meta = { name: 'p', namespace: 'n', uid: 'u', generation: 3, ...metadata }
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { containers, ...spec }, status }
}

const live: SandboxStatus = {
  ...{ id: 's0', state: 'ready', attempt: 0, pod: { name: 'p', namespace: 'n', uid: 'u' } },
  ...{ createdAt: 0, ips: ['10.0.0.1', 'fd00::1'], labels: {} },
}

function container(name: string, state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): ContainerStatus {
  const { attempt = 0 } = more
  const times = state === 'created' ? {} : { startedAt: NOW - 60_000 }
  const end = state === 'exited' ? { exitCode: 0, reason: 'Completed', finishedAt: NOW - 1000 } : {}
  const common = {
    id: `${name}-${attempt}`,
    sandboxId: 's0',
    podUid: 'u',
    name,
    attempt,
    state,
    image: 'app',
    imageId: 'sha256:1',
    createdAt: 0,
    labels: {},
  }
  return { ...common, ...times, ...end, ...more }
}

function status(pod: Pod, containers: ContainerStatus[], more: Partial<StatusInput> = {}) {
  return podStatus({
    pod,
    observed: { sandboxes: [live], containers },
    waiting: new Map(),
    probe: () => ({ started: true, ready: true }),
    terminationMessage: () => undefined,
    imageReference: (id) => `registry/app@${id}`,
    runtimeName: 'docker',
    hostIPs: ['192.0.2.1'],
    finished: false,
    now: NOW,
    ...more,
  })
}

function condition(of: ReturnType<typeof status>, type: string) {
  const found = of.conditions?.find((one) => one.type === type)
  return found && { status: found.status, reason: found.reason, message: found.message }
}

describe('the status of a pod', () => {
  it('shows a pod that runs', () => {
    const result = status(podOf(), [container('a', 'running')])
    assert.equal(result.phase, 'Running')
    assert.equal(result.observedGeneration, 3)
    assert.deepEqual(result.podIPs, [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }])
    assert.deepEqual(result.containerStatuses, [
      {
        name: 'a',
        image: 'app',
        imageID: 'registry/app@sha256:1',
        restartCount: 0,
        containerID: 'docker://a-0',
        state: { running: { startedAt: '2029-12-31T23:59:00Z' } },
        lastState: {},
        ready: true,
        started: true,
      },
    ])
  })

  it('has the addresses of the node on the host network', () => {
    const result = status(podOf({ hostNetwork: true }), [container('a', 'running')])
    assert.equal(result.podIP, '192.0.2.1')
  })

  it('is Pending while something is still to be made, and says what', () => {
    const result = status(podOf(), [], { observed: { sandboxes: [], containers: [] } })
    assert.equal(result.phase, 'Pending')
    assert.deepEqual(result.containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } })
    assert.equal(result.podIP, undefined)
    assert.equal(condition(result, 'PodReadyToStartContainers')?.status, 'False')
    assert.deepEqual(condition(result, 'Ready'), {
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [a]',
    })
    const waiting = new Map([['a', { reason: 'ErrImagePull', message: 'no' }]])
    assert.deepEqual(status(podOf(), [], { waiting }).containerStatuses?.[0]?.state, { waiting: { reason: 'ErrImagePull', message: 'no' } })
  })

  it('says of containers that never ran and never will that nobody knows them, and of a pod that was not let in nothing', () => {
    const none = { observed: { sandboxes: [], containers: [] }, finished: true }
    const late = { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too late' } as const
    const waiting = new Map([['a', { reason: 'ContainerCreating' }]])
    const result = status(podOf(), [], { ...none, verdict: late, waiting })
    assert.deepEqual([result.phase, result.reason], ['Failed', 'DeadlineExceeded'])
    assert.equal(result.containerStatuses?.[0]?.state.terminated?.reason, 'ContainerStatusUnknown')
    const staged = status(podOf({ initContainers: [{ name: 'i', resources: {} }] }), [], { ...none, verdict: late })
    assert.equal(staged.containerStatuses?.[0]?.state.waiting?.reason, 'PodInitializing')

    const verdict = { ...late, reason: 'OutOfcpu', isRefusal: true }
    const refused = status(podOf(), [], { ...none, verdict })
    assert.deepEqual([refused.reason, refused.containerStatuses], ['OutOfcpu', undefined])
    const later = status(podOf({}, { phase: 'Failed', reason: 'OutOfcpu' }), [], none)
    assert.deepEqual([later.reason, later.containerStatuses], ['OutOfcpu', undefined])
  })

  it('keeps a crash-looping pod Running, its last end in lastState', () => {
    const waiting = new Map([['a', { reason: 'CrashLoopBackOff' }]])
    const result = status(podOf(), [container('a', 'exited', { exitCode: 2, reason: 'Error', attempt: 5 })], { waiting })
    assert.equal(result.phase, 'Running')
    const [a] = result.containerStatuses ?? []
    assert.equal(a?.state.waiting?.reason, 'CrashLoopBackOff')
    assert.equal(a.lastState.terminated?.exitCode, 2)
    assert.equal(a.restartCount, 5)
  })

  it('shows the instance before the one that runs', () => {
    const containers = [container('a', 'running', { attempt: 1 }), container('a', 'exited', { exitCode: 137, reason: 'OOMKilled' })]
    assert.equal(status(podOf(), containers).containerStatuses?.[0]?.lastState.terminated?.reason, 'OOMKilled')
  })

  for (const [policy, codes, finished, phase] of [
    ['Never', [0, 0], true, 'Succeeded'],
    ['Never', [0, 1], true, 'Failed'],
    ['OnFailure', [0, 0], true, 'Succeeded'],
    ['OnFailure', [0, 1], false, 'Running'],
    ['Always', [0, 0], false, 'Running'],
    ['Always', [0, 0], true, 'Succeeded'],
  ] as const) {
    it(`${policy} with exit codes ${codes}${finished ? ', finished' : ''}: ${phase}`, () => {
      const containers = ['a', 'b'].map((name) => ({ name, image: 'app', resources: {} }))
      const ends = codes.map((exitCode, index) => container(index === 0 ? 'a' : 'b', 'exited', { exitCode }))
      assert.equal(status(podOf({ restartPolicy: policy, containers }), ends, { finished }).phase, phase)
    })
  }

  it('never takes back an end', () => {
    assert.equal(status(podOf({}, { phase: 'Failed' }), [container('a', 'running')]).phase, 'Failed')
  })

  it('keeps the last address and what is known of lost containers when the pod has ended', () => {
    const before = status(podOf({ restartPolicy: 'Never' }), [container('a', 'running')])
    const nothing = { sandboxes: [], containers: [] }
    const lost = status(podOf({ restartPolicy: 'Never' }, before), [], { observed: nothing, finished: true })
    assert.equal(lost.podIP, '10.0.0.1')
    const [a] = lost.containerStatuses ?? []
    assert.equal(a?.state.terminated?.reason, 'ContainerStatusUnknown')
    assert.equal(a.state.terminated.exitCode, 137)
    assert.equal(lost.phase, 'Failed')
  })

  it('explains an end with the message the container left', () => {
    const result = status(podOf(), [container('a', 'exited')], { terminationMessage: () => 'done' })
    assert.equal(result.containerStatuses?.[0]?.state.terminated?.message, 'done')
  })

  it('lets a verdict of the kubelet decide', () => {
    const verdict = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } as const
    const result = status(podOf(), [container('a', 'exited')], { verdict, finished: true })
    assert.deepEqual([result.phase, result.reason, result.message], ['Failed', 'Evicted', verdict.message])
    assert.equal(condition(result, 'Ready')?.reason, 'PodFailed')
  })

  it('moves a transition time only with its condition', () => {
    const first = status(podOf(), [container('a', 'running')])
    const later = status(podOf({}, first), [container('a', 'running')], { now: NOW + 60_000 })
    assert.deepEqual(later.conditions, first.conditions)
    const probe = () => ({ started: true, ready: false })
    const unready = status(podOf({}, first), [container('a', 'running')], { now: NOW + 60_000, probe })
    const moved = unready.conditions?.filter((one) => one.lastTransitionTime === '2030-01-01T00:01:00Z').map(({ type }) => type)
    assert.deepEqual(moved, ['Ready', 'ContainersReady'])
  })

  it('waits for readiness gates', () => {
    const gates = { readinessGates: [{ conditionType: 'example.com/ok' }] }
    const missing = status(podOf(gates), [container('a', 'running')])
    assert.equal(condition(missing, 'Ready')?.message, 'corresponding condition of pod readiness gate "example.com/ok" does not exist.')
    assert.equal(condition(missing, 'ContainersReady')?.status, 'True')
    const closed = podOf(gates, { conditions: [{ type: 'example.com/ok', status: 'False' }] })
    assert.equal(condition(status(closed, [container('a', 'running')]), 'Ready')?.reason, 'ReadinessGatesNotReady')
    const open = podOf(gates, { conditions: [{ type: 'example.com/ok', status: 'True' }] })
    assert.equal(condition(status(open, [container('a', 'running')]), 'Ready')?.status, 'True')
  })

  it('is initialised when init containers are through, and stays so', () => {
    const pod = podOf({ initContainers: [{ name: 'i', image: 'app', resources: {} }] })
    const waiting = status(pod, [container('i', 'running')])
    assert.equal(waiting.phase, 'Pending')
    assert.equal(condition(waiting, 'Initialized')?.message, 'containers with incomplete status: [i]')
    assert.equal(waiting.containerStatuses?.[0]?.state.waiting?.reason, 'PodInitializing')
    const through = status(pod, [container('i', 'exited'), container('a', 'running')])
    assert.equal(condition(through, 'Initialized')?.status, 'True')
    assert.equal(through.initContainerStatuses?.[0]?.ready, true)
    assert.equal(through.phase, 'Running')
  })
})

describe('the patch of a status', () => {
  it('is nothing when nothing changed', () => {
    const one = status(podOf(), [container('a', 'running')])
    assert.equal(statusPatch(one, structuredClone(one)), undefined)
  })

  it('has only what changed, and takes back what no longer holds', () => {
    const before = status(podOf(), [container('a', 'running')], { probe: () => ({ started: true, ready: false }) })
    const after = status(podOf({}, before), [container('a', 'running')])
    const patch = statusPatch(before, after)
    assert.deepEqual(Object.keys(patch ?? {}).sort(), ['conditions', 'containerStatuses'])
    const conditions = patch?.['conditions'] as { type: string; reason?: null; message?: null }[]
    assert.deepEqual(
      conditions.map(({ type, reason, message }) => ({ type, reason, message })),
      [
        { type: 'Ready', reason: null, message: null },
        { type: 'ContainersReady', reason: null, message: null },
      ],
    )
  })

  it('leaves the conditions of others alone', () => {
    const gate = { type: 'example.com/ok', status: 'True' }
    const before = status(podOf(), [container('a', 'running')])
    assert.equal(statusPatch({ ...before, conditions: [gate, ...(before.conditions ?? [])] }, before), undefined)
  })

  it('says of merged lists which element goes', () => {
    const patch = statusPatch({ podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] }, { podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }] })
    assert.deepEqual(patch, { podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1', $patch: 'delete' }] })
    assert.deepEqual(statusPatch({ podIP: '10.0.0.1' }, {}), { podIP: null })
  })
})
