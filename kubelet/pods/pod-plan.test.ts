import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ProbeResult } from '../probes/prober.ts'
import type { ContainerStatus, SandboxStatus } from '../runtime/container-runtime.ts'
import type { ObservedPod } from './observed-pod.ts'
import type { PlanInput } from './plan-step.ts'
import { planPod } from './pod-plan.ts'

const NOW = 1_000_000

function podOf(spec: object, status: object = {}): Pod {
  const containers = [{ name: 'a', image: 'app', resources: {} }]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers, ...spec }, status }
}

function sandbox(attempt: number, state: SandboxStatus['state'] = 'ready'): SandboxStatus {
  return { id: `s${attempt}`, state, attempt, pod: { name: 'p', namespace: 'n', uid: 'u' }, createdAt: 0, ips: ['10.0.0.1'], labels: {} }
}

function container(name: string, state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): ContainerStatus {
  const { attempt = 0, sandboxId = 's0' } = more
  const end = state === 'exited' ? { exitCode: 0, finishedAt: NOW - 1000 } : {}
  return {
    id: `${name}-${attempt}`,
    sandboxId,
    podUid: 'u',
    name,
    attempt,
    state,
    image: 'app',
    imageId: 'i',
    createdAt: 0,
    labels: {},
    ...end,
    ...more,
  }
}

function plan(pod: Pod, observed: Partial<ObservedPod>, more: Partial<PlanInput> = {}) {
  const full = { sandboxes: [], containers: [], ...observed }
  const well: ProbeResult = { started: true, ready: true }
  const result = planPod({ pod, observed: full, probe: () => well, restartAllowedAt: () => 0, now: NOW, ...more })
  return {
    ...result,
    starts: result.start.map((step) => `${step.container.name}#${step.attempt}`),
    stops: result.stop.map(({ status }) => status.id),
    holds: result.hold.map(({ name, until }) => `${name}@${until - NOW}`),
  }
}

const ready = { sandboxes: [sandbox(0)] }

describe('a plan for a pod', () => {
  it('begins with a sandbox, and then starts every container', () => {
    assert.equal(plan(podOf({}), {}).sandbox, 'create')
    const both = podOf({
      containers: [
        { name: 'a', image: 'app', resources: {} },
        { name: 'b', image: 'app', resources: {} },
      ],
    })
    assert.deepEqual(plan(both, ready).starts, ['a#0', 'b#0'])
  })

  it('wants nothing of a pod that runs as it should', () => {
    const { sandbox: what, starts, stops, holds, finished } = plan(podOf({}), { ...ready, containers: [container('a', 'running')] })
    assert.deepEqual({ what, starts, stops, holds, finished }, { what: 'keep', starts: [], stops: [], holds: [], finished: false })
  })

  it('replaces a dead sandbox, stopping what still runs', () => {
    const result = plan(podOf({}), { sandboxes: [sandbox(2, 'notReady')], containers: [container('a', 'running', { sandboxId: 's2' })] })
    assert.equal(result.sandbox, 'replace')
    assert.equal(result.sandboxAttempt, 3)
    assert.deepEqual(result.stops, ['a-0'])
  })

  it('makes no new sandbox for a pod that is never restarted, or that has completed', () => {
    const dead = { sandboxes: [sandbox(0, 'notReady')] }
    assert.ok(plan(podOf({ restartPolicy: 'Never' }), { ...dead, containers: [container('a', 'exited', { exitCode: 137 })] }).finished)
    assert.ok(plan(podOf({ restartPolicy: 'OnFailure' }), { ...dead, containers: [container('a', 'exited')] }).finished)
    assert.equal(
      plan(podOf({ restartPolicy: 'OnFailure' }), { ...dead, containers: [container('a', 'exited', { exitCode: 1 })] }).sandbox,
      'replace',
    )
    assert.equal(plan(podOf({ restartPolicy: 'Never' }), dead).sandbox, 'replace', 'nothing of it has run yet')
  })

  it('stops what an interrupted replacement left in the old sandbox', () => {
    const containers = [container('a', 'running', { attempt: 1, sandboxId: 's1' }), container('a', 'running', { sandboxId: 's0' })]
    assert.deepEqual(plan(podOf({}), { sandboxes: [sandbox(1), sandbox(0, 'notReady')], containers }).stops, ['a-0'])
  })

  for (const [policy, exitCode, expected] of [
    ['Always', 0, 'restart'],
    ['Always', 1, 'restart'],
    ['OnFailure', 1, 'restart'],
    ['OnFailure', 0, 'finished'],
    ['Never', 0, 'finished'],
    ['Never', 1, 'finished'],
  ] as const) {
    it(`${policy} after exit code ${exitCode}: ${expected}`, () => {
      const result = plan(podOf({ restartPolicy: policy }), { ...ready, containers: [container('a', 'exited', { exitCode, attempt: 4 })] })
      assert.deepEqual(result.starts, expected === 'restart' ? ['a#5'] : [])
      assert.equal(result.finished, expected === 'finished')
    })
  }

  it('follows rules of a container that the pod policy does not have', () => {
    const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
    const containers = [{ name: 'a', image: 'app', resources: {}, restartPolicy: 'Never', restartPolicyRules: rules }]
    const pod = podOf({ restartPolicy: 'Never', containers })
    assert.deepEqual(plan(pod, { ...ready, containers: [container('a', 'exited', { exitCode: 42 })] }).starts, ['a#1'])
    assert.ok(plan(pod, { ...ready, containers: [container('a', 'exited', { exitCode: 41 })] }).finished)
  })

  it('holds what is in its back-off, and starts it to the moment', () => {
    const observed = { ...ready, containers: [container('a', 'exited', { exitCode: 1 })] }
    assert.deepEqual(plan(podOf({}), observed, { restartAllowedAt: () => NOW + 9000 }).holds, ['a@9000'])
    assert.deepEqual(plan(podOf({}), observed, { restartAllowedAt: () => NOW }).starts, ['a#1'])
  })

  it('tries again what was created and never started, as the same attempt', () => {
    assert.deepEqual(plan(podOf({}), { ...ready, containers: [container('a', 'created', { attempt: 3 })] }).starts, ['a#3'])
  })

  it('goes on counting restarts when the runtime has lost its containers', () => {
    const containerStatuses = [{ name: 'a', restartCount: 7, state: { running: {} }, lastState: {}, ready: true, image: '', imageID: '' }]
    assert.deepEqual(plan(podOf({}, { containerStatuses }), ready).starts, ['a#8'])
  })

  it('stops a container whose probe failed or whose image changed', () => {
    const running = { ...ready, containers: [container('a', 'running')] }
    const probe = (): ProbeResult => ({ started: true, ready: false, failed: { probe: 'liveness', message: 'dead', graceSeconds: 3 } })
    const { stop } = plan(podOf({}), running, { probe })
    assert.deepEqual(
      stop.map(({ message, graceSeconds }) => ({ message, graceSeconds })),
      [{ message: 'Container a failed liveness probe, will be restarted', graceSeconds: 3 }],
    )
    const other = podOf({ containers: [{ name: 'a', image: 'app:2', resources: {} }] })
    assert.deepEqual(plan(other, running).stops, ['a-0'])
  })

  it('is not finished while one of several still runs or waits', () => {
    const spec = {
      restartPolicy: 'OnFailure',
      containers: [
        { name: 'a', image: 'app', resources: {} },
        { name: 'b', image: 'app', resources: {} },
      ],
    }
    assert.ok(!plan(podOf(spec), { ...ready, containers: [container('a', 'exited'), container('b', 'running')] }).finished)
    const held = plan(
      podOf(spec),
      { ...ready, containers: [container('a', 'exited'), container('b', 'exited', { exitCode: 1 })] },
      { restartAllowedAt: () => NOW + 1 },
    )
    assert.ok(!held.finished)
    assert.ok(plan(podOf(spec), { ...ready, containers: [container('a', 'exited'), container('b', 'exited')] }).finished)
  })

  it('starts ephemeral containers once', () => {
    const pod = podOf({ ephemeralContainers: [{ name: 'debug', image: 'sh', resources: {} }] })
    const running = container('a', 'running')
    assert.deepEqual(plan(pod, { ...ready, containers: [running] }).starts, ['debug#0'])
    assert.deepEqual(plan(pod, { ...ready, containers: [running, container('debug', 'exited', { exitCode: 1 })] }).starts, [])
  })
})

describe('a plan for init containers', () => {
  const init = (...names: string[]) => podOf({ initContainers: names.map((name) => ({ name, image: 'app', resources: {} })) })
  const sidecar = podOf({ initContainers: [{ name: 's', image: 'app', resources: {}, restartPolicy: 'Always' }] })

  it('takes them one by one', () => {
    const pod = init('i', 'j')
    assert.deepEqual(plan(pod, ready).starts, ['i#0'])
    assert.deepEqual(plan(pod, { ...ready, containers: [container('i', 'running')] }).starts, [])
    assert.deepEqual(plan(pod, { ...ready, containers: [container('i', 'exited')] }).starts, ['j#0'])
    assert.deepEqual(plan(pod, { ...ready, containers: [container('i', 'exited'), container('j', 'exited')] }).starts, ['a#0'])
  })

  it('does not repeat one whose remains were removed when a later one is there', () => {
    assert.deepEqual(plan(init('i', 'j'), { ...ready, containers: [container('j', 'exited')] }).starts, ['a#0'])
  })

  it('begins again in a new sandbox', () => {
    const observed = {
      sandboxes: [sandbox(1)],
      containers: [container('i', 'exited', { sandboxId: 's0' }), container('a', 'exited', { sandboxId: 's0', exitCode: 137 })],
    }
    assert.deepEqual(plan(init('i'), observed).starts, ['i#1'])
  })

  it('is over for good when one fails in a pod that is never restarted', () => {
    const pod = podOf({ restartPolicy: 'Never', initContainers: [{ name: 'i', image: 'app', resources: {} }] })
    assert.ok(plan(pod, { ...ready, containers: [container('i', 'exited', { exitCode: 1 })] }).finished)
  })

  it('waits for a sidecar to have started, and restarts it beside the app', () => {
    assert.deepEqual(plan(sidecar, ready).starts, ['s#0'])
    const slow = () => ({ started: false, ready: false })
    assert.deepEqual(plan(sidecar, { ...ready, containers: [container('s', 'running')] }, { probe: slow }).starts, [])
    assert.deepEqual(plan(sidecar, { ...ready, containers: [container('s', 'running')] }).starts, ['a#0'])
    const ended = { ...ready, containers: [container('s', 'exited'), container('a', 'running')] }
    assert.deepEqual(plan(sidecar, ended).starts, ['s#1'])
  })

  it('does not let a sidecar keep a completed pod', () => {
    const pod = { ...sidecar, spec: { ...sidecar.spec, restartPolicy: 'Never' } }
    assert.ok(plan(pod, { ...ready, containers: [container('s', 'running'), container('a', 'exited')] }).finished)
  })
})
