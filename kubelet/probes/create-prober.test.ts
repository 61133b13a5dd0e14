import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Container, Pod, Probe } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { RuntimeError } from '../runtime/container-runtime.ts'
import { createProber } from './create-prober.ts'

type Answer = number | 'hang' | 'engine away' | 'no such command'

/** A prober whose exec probes are answered by the test; the command's only word says which probe asks. */
function bench() {
  const clock = manualClock()
  const answers: Record<string, Answer> = { startup: 0, liveness: 0, readiness: 0 }
  const asked: string[] = []
  const said: string[] = []
  const runtime = {
    exec: (_id: string, [kind = '']: readonly string[], { signal }: { signal: AbortSignal }) => {
      asked.push(`${kind}@${clock.monotonic() / 1000}`)
      const answer = answers[kind]
      if (answer === 'engine away') return Promise.reject(new Error('connect ECONNREFUSED'))
      if (answer === 'no such command') return Promise.reject(new RuntimeError('ExecError', 'not found'))
      if (answer !== 'hang') return Promise.resolve(answer ?? 0)
      return new Promise<number>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    },
  }
  const complaint = Promise.withResolvers<string>()
  const record = (_about: unknown, _type: string, reason: string, message: string) => {
    said.push(`${reason}: ${message}`)
    complaint.resolve(message)
  }
  const prober = createProber({
    runtime,
    events: { record, flush: async () => {} },
    clock,
    log: silentLogger(),
  })
  const wakes: string[] = []
  prober.onChange((uid) => wakes.push(uid))
  const run = (pod: Pod, id = 'c1') => prober.track(pod, '10.0.0.1', [{ name: 'main', containerId: id, startedAt: clock.now() }])
  const result = (pod: Pod, id = 'c1') => prober.result(pod, 'main', id)
  return { clock, answers, asked, said, wakes, prober, run, result, complaint: complaint.promise }
}

const probe = (kind: string, more: Partial<Probe> = {}): Probe => ({
  exec: { command: [kind] },
  periodSeconds: 10,
  timeoutSeconds: 1,
  ...more,
})

function pod(container: Partial<Container>, status: object = {}): Pod {
  const spec = { containers: [{ name: 'main', resources: {}, ...container }] }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', uid: 'u' }, spec, status } as unknown as Pod
}

test('a container without probes is well', () => {
  const { run, result, clock } = bench()
  const plain = pod({})
  run(plain)
  assert.deepEqual(result(plain), { started: true, ready: true })
  assert.equal(clock.pending.length, 0)
})

test('readiness: not ready until the first success, again after three failures in a row, one success brings it back', async () => {
  const { run, result, clock, answers, wakes, said } = bench()
  const one = pod({ readinessProbe: probe('readiness') })
  run(one)
  assert.equal(result(one).ready, false)
  await clock.advance(0)
  assert.equal(result(one).ready, true)
  answers.readiness = 1
  await clock.advance(20_000)
  assert.equal(result(one).ready, true)
  await clock.advance(10_000)
  assert.deepEqual(result(one), { started: true, ready: false })
  assert.equal(said.length, 3)
  assert.match(said[0] ?? '', /^Unhealthy: Readiness probe failed: /)
  answers.readiness = 0
  await clock.advance(10_000)
  assert.equal(result(one).ready, true)
  assert.deepEqual(wakes, ['u', 'u', 'u'])
})

test('a failure in between starts the count of successes anew', async () => {
  const { run, result, clock, answers } = bench()
  const one = pod({ readinessProbe: probe('readiness', { successThreshold: 2 }) })
  run(one)
  await clock.advance(0)
  answers.readiness = 1
  await clock.advance(10_000)
  answers.readiness = 0
  await clock.advance(10_000)
  assert.equal(result(one).ready, false)
  await clock.advance(10_000)
  assert.equal(result(one).ready, true)
})

test('liveness: the initial delay holds, failures up to the threshold kill, then nobody asks any more', async () => {
  const { run, result, clock, answers, asked } = bench()
  answers.liveness = 1
  const liveness = probe('liveness', { initialDelaySeconds: 5, failureThreshold: 2, terminationGracePeriodSeconds: 3 })
  const one = pod({ livenessProbe: liveness })
  run(one)
  await clock.advance(4_999)
  assert.deepEqual(asked, [])
  await clock.advance(1)
  assert.equal(result(one).failed, undefined)
  await clock.advance(10_000)
  assert.deepEqual(result(one).failed?.probe, 'liveness')
  assert.equal(result(one).failed?.graceSeconds, 3)
  await clock.advance(100_000)
  assert.deepEqual(asked, ['liveness@5', 'liveness@15'])
  answers.liveness = 0
  run(one, 'c2')
  await clock.advance(5_000)
  assert.equal(result(one, 'c2').failed, undefined)
  assert.equal(result(one, 'c1').failed, undefined)
})

test('startup holds the others back and lets them go the moment it succeeds', async () => {
  const { run, result, clock, answers, asked } = bench()
  answers.startup = 1
  const one = pod({ startupProbe: probe('startup'), livenessProbe: probe('liveness'), readinessProbe: probe('readiness') })
  run(one)
  await clock.advance(15_000)
  assert.deepEqual(asked, ['startup@0', 'startup@10'])
  assert.deepEqual(result(one), { started: false, ready: false })
  answers.startup = 0
  await clock.advance(5_000)
  assert.deepEqual(asked.slice(2), ['startup@20', 'liveness@20', 'readiness@20'])
  assert.deepEqual(result(one), { started: true, ready: true })
  await clock.advance(10_000)
  assert.equal(asked.filter((entry) => entry.startsWith('startup')).length, 3)
})

test('a startup probe that never succeeds fails its container, once', async () => {
  const { run, result, clock, answers, wakes } = bench()
  answers.startup = 'no such command'
  const one = pod({ startupProbe: probe('startup', { periodSeconds: 1 }) })
  run(one)
  await clock.advance(60_000)
  assert.equal(result(one).failed?.probe, 'startup')
  assert.equal(wakes.length, 1)
})

test('a probe that hangs is a failure at its timeout and does not pile up', async () => {
  const { run, result, clock, answers, asked } = bench()
  answers.liveness = 'hang'
  const one = pod({ livenessProbe: probe('liveness', { timeoutSeconds: 25, failureThreshold: 2 }) })
  run(one)
  await clock.advance(24_000)
  assert.equal(asked.length, 1)
  await clock.advance(26_000)
  assert.deepEqual(asked, ['liveness@0', 'liveness@25'])
  assert.match(result(one).failed?.message ?? '', /timed out/)
})

test('an engine that is away says nothing about the container', async () => {
  const { run, result, clock, answers, said } = bench()
  answers.liveness = 'engine away'
  const one = pod({ livenessProbe: probe('liveness', { failureThreshold: 1 }) })
  run(one)
  await clock.advance(100_000)
  assert.equal(result(one).failed, undefined)
  assert.deepEqual(said, [])
})

test('after a restart of the kubelet an instance that was ready stays ready until a probe says otherwise', async () => {
  const { run, result, clock, answers } = bench()
  answers.readiness = 1
  const status = { containerStatuses: [{ name: 'main', containerID: 'docker://c1', ready: true, started: true }] }
  const one = pod({ startupProbe: probe('startup'), readinessProbe: probe('readiness') }, status)
  assert.deepEqual(result(one), { started: true, ready: true })
  run(one)
  await clock.advance(19_000)
  assert.equal(result(one).ready, true)
  await clock.advance(1_000)
  assert.equal(result(one).ready, false)
  assert.deepEqual(result(one, 'c2'), { started: false, ready: false })
})

test('a pod that is forgotten leaves no timer behind', async () => {
  const { run, clock, prober, answers } = bench()
  answers.readiness = 'hang'
  run(pod({ livenessProbe: probe('liveness'), readinessProbe: probe('readiness') }))
  await clock.advance(500)
  prober.forget('u')
  await clock.settle()
  assert.deepEqual(clock.pending, [])
})

test('probes that need an address wait for it', async () => {
  const { clock, prober, said, complaint } = bench()
  const one = pod({ readinessProbe: { tcpSocket: { port: 1 }, periodSeconds: 10, timeoutSeconds: 1 } })
  const running = [{ name: 'main', containerId: 'c1', startedAt: clock.now() }]
  prober.track(one, undefined, running)
  await clock.advance(15_000)
  assert.deepEqual(said, [])
  prober.track(one, '127.0.0.1', running)
  await clock.advance(0)
  assert.match(await complaint, /Readiness probe failed: dial tcp 127.0.0.1:1/)
  prober.forget('u')
})

test('a probe that goes well with something to say tells it at every turn, and is well', async (context) => {
  const { clock, said, run, result, complaint } = bench()
  const { createServer } = await import('node:http')
  const server = createServer((_request, response) => response.writeHead(302, { location: 'http://elsewhere.invalid/' }).end('over there'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  const one = pod({ readinessProbe: { httpGet: { host: '127.0.0.1', port: address.port }, periodSeconds: 10, timeoutSeconds: 60 } })
  run(one)
  await clock.advance(0)
  assert.equal(await complaint, 'Readiness probe warning: Probe terminated redirects, Response body: over there')
  assert.deepEqual([said[0]?.split(':')[0], result(one).ready], ['ProbeWarning', true])
})
