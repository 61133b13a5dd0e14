import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import type { ContainerState } from '../runtime/container-runtime.ts'
import { logOptions } from './logs.ts'
import { routeOf } from './routes.ts'
import { loggedContainer, runningContainer, servedPod } from './served-pods.ts'
import { outcomeStatus, terminalSizes } from './session.ts'

const { signal } = new AbortController()

test('paths', () => {
  assert.deepEqual(routeOf('/containerLogs/ns/web/main'), { what: 'logs', namespace: 'ns', pod: 'web', container: 'main' })
  assert.deepEqual(routeOf('/exec/ns/web/uid/main'), { what: 'exec', namespace: 'ns', pod: 'web', uid: 'uid', container: 'main' })
  assert.deepEqual(routeOf('/portForward/ns/web'), { what: 'portForward', namespace: 'ns', pod: 'web', uid: undefined })
  for (const bad of ['/', '/pods/x', '/exec/ns', '/containerLogs/ns/web', '/exec/ns//main', '/portForward/a/b/c/d', '/etc/passwd', '/..']) {
    assert.throws(() => routeOf(bad), { reason: 'NotFound' }, bad)
  }
  assert.throws(() => routeOf('/exec/%zz/a/b'), { reason: 'BadRequest' })
})

test('log options', () => {
  const clock = manualClock(1_000_000)
  const read = (query: string) => logOptions(new URLSearchParams(query), clock)
  assert.deepEqual(read('follow=true&tailLines=5&sinceSeconds=10'), {
    ...{ follow: true, timestamps: false, previous: false, tailLines: 5, limitBytes: undefined, since: 990_000 },
  })
  assert.equal(read('sinceTime=1970-01-01T00:00:05Z').since, 5_000)
  for (const bad of ['tailLines=x', 'tailLines=-1', 'limitBytes=1.5', 'sinceTime=yesterday']) assert.throws(() => read(bad), { code: 400 })
})

/** Instances of one container, newest first. */
function node(states: ContainerState[], waiting?: string) {
  const status = { containerStatuses: [{ name: 'main', state: waiting ? { waiting: { reason: waiting } } : {} }] }
  const pod = { metadata: { namespace: 'ns', name: 'web', uid: 'u' }, spec: { containers: [{ name: 'main' }] }, status } as unknown as Pod
  const listContainers = async () => states.map((state, index) => ({ id: `i${index}`, name: 'main', state }) as never)
  return { pod, runtime: { listContainers, listSandboxes: async () => [] } }
}

test('whose log is meant', async () => {
  const of = (states: ContainerState[], previous: boolean, waiting?: string) => {
    const { pod, runtime } = node(states, waiting)
    return loggedContainer(runtime, pod, { container: 'main', previous }, signal)
  }
  assert.equal(await of(['running', 'exited'], false), 'i0')
  assert.equal(await of(['running', 'exited'], true), 'i1')
  assert.equal(await of(['exited', 'exited'], false, 'CrashLoopBackOff'), 'i0')
  assert.equal(await of(['exited', 'exited'], true, 'CrashLoopBackOff'), 'i0')
  assert.equal(await of(['exited', 'exited'], true), 'i1')
  assert.equal(await of(['created', 'exited'], false), 'i1')
  await assert.rejects(of(['running'], true), { message: 'previous terminated container "main" in pod "web" not found', code: 400 })
  await assert.rejects(of([], false), { message: 'container "main" in pod "web" is waiting to start: ContainerCreating' })
  await assert.rejects(of(['created'], false, 'PodInitializing'), { message: /is waiting to start: PodInitializing$/ })
  await assert.rejects(of([], false, 'ImagePullBackOff'), { message: /trying and failing to pull image$/ })
  const { pod, runtime } = node([])
  await assert.rejects(loggedContainer(runtime, pod, { container: 'other', previous: false }, signal), { message: /is not available$/ })
})

test('exec needs a running container of the very pod', async () => {
  const { pod, runtime } = node(['exited', 'running'])
  assert.equal(await runningContainer(runtime, pod, 'main', signal), 'i1')
  await assert.rejects(runningContainer(node(['exited']).runtime, pod, 'main', signal), {
    message: 'container not found ("main")',
    code: 404,
  })
  const pods = { list: () => [pod] }
  assert.equal(servedPod(pods, 'ns', 'web', 'u'), pod)
  assert.throws(() => servedPod(pods, 'ns', 'web', 'another'), { code: 404 })
})

test('a pod that came after one of its name is meant by the name, while the other is still being taken away', () => {
  const { pod: old } = node(['exited'])
  const pod = { ...old, metadata: { ...old.metadata, uid: 'successor' } }
  const pods = { list: () => [old, pod] }
  assert.equal(servedPod(pods, 'ns', 'web'), pod)
  assert.equal(servedPod(pods, 'ns', 'web', 'u'), old)
})

test('outcomes as clients read them', () => {
  assert.deepEqual(outcomeStatus({ exitCode: 0 }), { metadata: {}, status: 'Success' })
  const failed = outcomeStatus({ exitCode: 42 })
  assert.ok('reason' in failed && failed.reason === 'NonZeroExitCode')
  assert.equal(failed.message, 'command terminated with non-zero exit code: exit status 42')
  const broken = outcomeStatus({ error: new Error('no engine') })
  assert.ok('message' in broken && broken.message === 'Internal error occurred: no engine')
  const known = outcomeStatus({ error: new StatusError('NotFound', 'gone') })
  assert.ok('code' in known && known.code === 404)
})

test('terminal sizes arrive in any pieces; nonsense is passed over', async () => {
  const pieces = [
    '{"Width":80,"He',
    'ight":24}',
    '{"Width":-1,"Height":2}{"Width":"a"}',
    'x{"Width":100,"Height":30}',
    '{"Width":120,"Height":40}\n',
  ]
  const sizes: unknown[] = []
  for await (const size of terminalSizes(Readable.from(pieces.map((piece) => Buffer.from(piece))))) sizes.push(size)
  assert.deepEqual(sizes, [
    { width: 80, height: 24 },
    { width: 120, height: 40 },
  ])
})
