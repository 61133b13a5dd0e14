import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ScriptedAnswer, scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { silentLogger } from '../logging/logger.ts'
import { seededRandom } from '../random/random.ts'
import { realClock } from '../time/clock.ts'
import { createHttpClient } from './http-client.ts'
import { createEventRecorder } from './queued-event-recorder.ts'
import type { TransportRequest } from './transport.ts'

const pod = (name = 'web') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'x', name, uid: `uid-${name}`, resourceVersion: '9' },
})

function recorderOn(answer?: (request: TransportRequest) => ScriptedAnswer) {
  const transport = scriptedTransport(answer ?? (({ body }) => ({ body: body ?? '{}' })))
  const clock = { ...realClock(), sleep: async () => {} }
  const tools = { clock, random: seededRandom(1), log: silentLogger() }
  const client = createHttpClient(transport, { clock, userAgent: 'test' })
  return { recorder: createEventRecorder({ client, ...tools }, { component: 'kubelet', host: 'node-1' }), requests: transport.requests }
}

test('a first event is created, its repeats are counted on it', async () => {
  const { recorder, requests } = recorderOn()
  for (let repeat = 0; repeat < 3; repeat++) recorder.record(pod(), 'Warning', 'BackOff', 'again', { fieldPath: 'spec.containers{a}' })
  await recorder.flush()
  assert.deepEqual(
    requests.map(({ method }) => method),
    ['POST', 'PATCH', 'PATCH'],
  )
  const created = JSON.parse(requests[0]?.body ?? '')
  assert.deepEqual(created.involvedObject, {
    apiVersion: 'v1',
    kind: 'Pod',
    namespace: 'x',
    name: 'web',
    uid: 'uid-web',
    resourceVersion: '9',
    fieldPath: 'spec.containers{a}',
  })
  assert.equal(created.count, 1)
  assert.deepEqual(created.source, { component: 'kubelet', host: 'node-1' })
  assert.match(created.metadata.name, /^web\.[0-9a-f]{16}$/)
  assert.equal(requests[2]?.path, `/api/v1/namespaces/x/events/${created.metadata.name}`)
  assert.equal(JSON.parse(requests[2]?.body ?? '').count, 3)
})

test('an Event that outlived its time is created anew', async () => {
  const { recorder, requests } = recorderOn(({ method, body }) =>
    method === 'PATCH' ? { status: 404, body: { kind: 'Status', reason: 'NotFound', code: 404 } } : { body: body ?? '{}' },
  )
  recorder.record(pod(), 'Normal', 'Started', 'it runs')
  recorder.record(pod(), 'Normal', 'Started', 'it runs')
  await recorder.flush()
  assert.deepEqual(
    requests.map(({ method }) => method),
    ['POST', 'PATCH', 'POST'],
  )
})

test('many messages of one reason are combined, and a flood is cut', async () => {
  const { recorder, requests } = recorderOn()
  for (let number = 0; number < 40; number++) recorder.record(pod(), 'Warning', 'Failed', `failure ${number}`)
  await recorder.flush()
  assert.equal(requests.length, 25, 'a burst of 25 about one object, then nothing')
  assert.equal(requests.filter(({ method }) => method === 'POST').length, 10)
  assert.match(requests.at(-1)?.body ?? '', /\(combined from similar events\): failure 24/)
})

test('an unreachable server costs the event, never the caller', async () => {
  const { recorder, requests } = recorderOn(() => {
    throw new Error('connection refused')
  })
  recorder.record(pod(), 'Normal', 'Started', 'it runs')
  await new Promise((resolve) => setImmediate(resolve))
  await recorder.flush()
  assert.equal(requests.length, 4)
})

test('flushing does not wait for a server that is away', async () => {
  const transport = scriptedTransport(() => {
    throw new Error('connection refused')
  })
  const clock = realClock()
  const client = createHttpClient(transport, { clock, userAgent: 'test' })
  const recorder = createEventRecorder({ client, clock, random: seededRandom(1), log: silentLogger() }, { component: 'kubelet' })
  for (let number = 0; number < 20; number++) recorder.record(pod(`web-${number}`), 'Normal', 'Started', 'it runs')
  const began = clock.monotonic()
  await recorder.flush()
  assert.ok(clock.monotonic() - began < 500)
  assert.ok(transport.requests.length <= 21, 'each was tried once more, and given up')
})

test('names of Events grow with time, also within a millisecond, and fit whatever they are about', async () => {
  const { recorder, requests } = recorderOn()
  for (let each = 0; each < 9; each++) recorder.record(pod(), 'Normal', `Reason${each}`, 'one after another')
  recorder.record(pod('x'.repeat(253)), 'Normal', 'Long', 'a long name')
  await recorder.flush()
  const names = requests.map(({ body }) => JSON.parse(body ?? '').metadata.name as string)
  assert.equal(names.at(-1)?.length, 253)
  const own = names.slice(0, 9)
  assert.deepEqual(own, [...new Set(own)].sort())
})
