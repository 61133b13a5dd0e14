import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createMemoryStorage } from '../../apiserver/storage/memory-storage.ts'
import { type Storage, StorageUnavailable } from '../../apiserver/storage/storage.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { startApi } from '../harness/api.ts'
import { configMap, pod } from '../harness/bodies.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'

/** A store whose writes can be made to wait or to fail. */
function moodyStorage() {
  const mood: { before: () => Promise<void> } = { before: async () => {} }
  const openStorage = (options: Parameters<typeof createMemoryStorage>[0]) => {
    const inner = createMemoryStorage(options)
    const write: Storage['write'] = async (wish) => {
      await mood.before()
      return inner.write(wish)
    }
    return new Proxy(inner, {
      get: (target, name) => {
        if (name === 'write') return write
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  return { mood, openStorage: openStorage as never }
}

async function moodyApi(context: TestContext, args: readonly string[] = []) {
  const clock = manualClock()
  const { mood, openStorage } = moodyStorage()
  const api = await startApi({ clock, args, parts: { openStorage } }, context)
  return { api, mood, clock }
}

test('a write that hangs is given up after the request timeout', async (t) => {
  const { api, mood, clock } = await moodyApi(t, ['--request-timeout', '10s'])
  const gate = Promise.withResolvers<void>()
  mood.before = () => gate.promise
  const hanging = api.request('POST', MAPS, configMap('hangs'))
  await clock.advance(11_000)
  const answer = await hanging
  assert.equal(answer.status, 504)
  assert.equal(answer.json['reason'], 'Timeout')
  gate.resolve()
})

test('a store that takes no writes is 503 for writers; readers do not notice', async (t) => {
  const { api, mood } = await moodyApi(t)
  mood.before = () => Promise.reject(new StorageUnavailable('no space left on device'))
  const answer = await api.request('POST', MAPS, configMap('a'))
  assert.equal(answer.status, 503)
  assert.equal(answer.json['reason'], 'ServiceUnavailable')
  assert.match(String(answer.json['message']), /no space left/)
  assert.equal((await api.request('GET', '/api/v1/namespaces')).status, 200)
  mood.before = async () => {}
  assert.equal((await api.request('POST', MAPS, configMap('a'))).status, 201)
})

test('a defect is a 500 that says so, is logged with its cause, and ends nothing', async (t) => {
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = []
  const log = {
    ...{ debug() {}, info() {}, warn() {} },
    error: (message: string, fields?: Record<string, unknown>) => void lines.push({ message, fields }),
    child: () => log,
  }
  const { mood, openStorage } = moodyStorage()
  const api = await startApi({ log, parts: { openStorage } }, t)
  mood.before = () => Promise.reject(new TypeError('x is not a function'))
  const answer = await api.request('POST', MAPS, configMap('a'))
  assert.equal(answer.status, 500)
  assert.equal(answer.json['reason'], 'InternalError')
  assert.ok(lines.some((line) => line.fields?.['error'] instanceof TypeError))
  mood.before = async () => {}
  assert.equal((await api.request('POST', MAPS, configMap('a'))).status, 201)
})

test('events expire an hour after their last write, other objects do not', async (t) => {
  const clock = manualClock()
  const api = await startApi({ clock }, t)
  const events = '/api/v1/namespaces/default/events'
  const event = (name: string) => ({
    ...{ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default' } },
    ...{ involvedObject: { kind: 'Pod', namespace: 'default', name: 'a' }, reason: 'Tested', message: 'x', type: 'Normal', count: 1 },
  })
  for (const name of ['old', 'renewed']) assert.equal((await api.request('POST', events, event(name))).status, 201)
  await api.request('POST', MAPS, configMap('stays'))
  await clock.advance(40 * 60_000)
  assert.equal(
    (await api.request('PATCH', `${events}/renewed`, { count: 2 }, { 'content-type': 'application/merge-patch+json' })).status,
    200,
  )
  await clock.advance(25 * 60_000)
  assert.equal((await api.request('GET', `${events}/old`)).status, 404)
  assert.equal((await api.request('GET', `${events}/renewed`)).status, 200)
  await clock.advance(40 * 60_000)
  assert.equal((await api.request('GET', `${events}/renewed`)).status, 404)
  assert.equal((await api.request('GET', `${MAPS}/stays`)).status, 200)
})

test('a name that was generated is tried again when it is taken', async (t) => {
  let calls = 0
  const random = {
    fraction: () => 0.5,
    uuid: () => `00000000-0000-4000-8000-${String(calls++).padStart(12, '0')}`,
    nameSuffix: (length: number) => (calls++ < 60 ? 'b' : 'c').repeat(length),
  }
  const api = await startApi({ random }, t)
  calls = 0
  const generated = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } }
  const nameOf = async () => ((await api.request('POST', MAPS, generated)).json['metadata'] as { name: string }).name
  assert.equal(await nameOf(), 'g-bbbbb')
  calls = 50
  assert.equal(await nameOf(), 'g-ccccc')
  assert.equal((await api.request('POST', PODS, pod('x'))).status, 403, 'no service account yet')
})
