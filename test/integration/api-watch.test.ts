import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type ManualClock, manualClock } from '../../simulation/time/manual-clock.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap, node, pod, serviceAccount } from '../harness/bodies.ts'

interface Event {
  type: string
  object: {
    kind: string
    code?: number
    reason?: string
    metadata: { name: string; resourceVersion: string; annotations?: Record<string, string> }
    rows?: { cells: unknown[] }[]
  }
}

let api: TestApi
let clock: ManualClock
const MAPS = '/api/v1/namespaces/default/configmaps'
const JSON_TYPE = { 'content-type': 'application/json' }
const MERGE = { 'content-type': 'application/merge-patch+json' }

/** A watch whose events are taken one by one; `ended` once the server has closed it. */
async function watch(path: string, headers: Record<string, string> = {}) {
  const abort = new AbortController()
  const response = await api.transport().send({ method: 'GET', path, headers, stream: true, signal: abort.signal })
  assert.equal(response.status, 200)
  const events: Event[] = []
  const state = { ended: false }
  let rest = ''
  const reading = (async () => {
    for await (const chunk of response.chunks()) {
      rest += Buffer.from(chunk).toString()
      const lines = rest.split('\n')
      rest = lines.pop()!
      for (const line of lines) events.push(JSON.parse(line) as Event)
    }
    state.ended = true
  })().catch(() => {})
  const take = async () => {
    await clock.settle()
    return events.splice(0)
  }
  const brief = async () => (await take()).map((event) => `${event.type} ${event.object.metadata?.name ?? ''}`.trim())
  return { take, brief, state, stop: () => abort.abort(), reading }
}

const create = async (name: string, labels: Record<string, string> = {}) => {
  const answer = await api.request('POST', MAPS, { ...configMap(name), metadata: { name, labels } }, JSON_TYPE)
  assert.equal(answer.status, 201, answer.text)
  return String((answer.json['metadata'] as { resourceVersion: string }).resourceVersion)
}
const label = (name: string, labels: Record<string, string | null>) =>
  api.request('PATCH', `${MAPS}/${name}`, { metadata: { labels } }, MERGE)
const revision = async () => ((await api.request('GET', MAPS)).json['metadata'] as { resourceVersion: string }).resourceVersion

beforeEach(async () => {
  clock = manualClock()
  api = await startApi({ clock })
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
})
afterEach(() => api.stop())

test('changes come as they happen, in order, each once', async () => {
  const stream = await watch(`${MAPS}?watch=true&resourceVersion=${await revision()}`)
  await create('a')
  await label('a', { x: 'y' })
  await api.request('DELETE', `${MAPS}/a`)
  const events = await stream.take()
  assert.deepEqual(
    events.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  )
  const revisions = events.map((event) => Number(event.object.metadata.resourceVersion))
  assert.deepEqual(
    revisions,
    [...revisions].sort((a, b) => a - b),
  )
  assert.equal(new Set(revisions).size, 3, 'the deletion has a revision of its own')
})

test('without a resourceVersion, what is there comes first as ADDED', async () => {
  await create('a')
  await create('b')
  const stream = await watch(`${MAPS}?watch=1`)
  assert.deepEqual(await stream.brief(), ['ADDED a', 'ADDED b'])
  await create('c')
  assert.deepEqual(await stream.brief(), ['ADDED c'])
})

test('a watch from the past begins with what happened since', async () => {
  const from = await revision()
  await create('a')
  await create('b')
  await api.request('DELETE', `${MAPS}/a`)
  const stream = await watch(`${MAPS}?watch=true&resourceVersion=${from}`)
  await create('c')
  assert.deepEqual(await stream.brief(), ['ADDED a', 'ADDED b', 'DELETED a', 'ADDED c'])
})

test('many writes while watches open: every one sees each change after its revision exactly once', async () => {
  const streams: { from: number; stream: Awaited<ReturnType<typeof watch>> }[] = []
  for (let n = 0; n < 60; n++) {
    const version = await create(`n${n}`)
    if (n % 7 === 0) streams.push({ from: Number(version), stream: await watch(`${MAPS}?watch=true&resourceVersion=${version}`) })
    if (n % 11 === 0)
      streams.push({ from: Number(version) - 3, stream: await watch(`${MAPS}?watch=true&resourceVersion=${Number(version) - 3}`) })
  }
  const newest = Number(await revision())
  for (const { from, stream } of streams) {
    const seen = (await stream.take()).map((event) => Number(event.object.metadata.resourceVersion))
    const expected = Array.from({ length: newest - from }, (_, index) => from + 1 + index)
    assert.deepEqual(
      seen.filter((each) => each > from),
      seen,
    )
    assert.deepEqual(seen.slice(-Math.min(seen.length, expected.length)), expected.slice(-seen.length))
    assert.equal(new Set(seen).size, seen.length)
  }
})

test('an object that begins or ceases to match a selector is ADDED or DELETED', async () => {
  const stream = await watch(`${MAPS}?watch=true&labelSelector=app%3Dx&resourceVersion=${await revision()}`)
  await create('a')
  await label('a', { app: 'x' })
  await label('a', { tier: '1' })
  await label('a', { app: 'y' })
  await label('a', { tier: '2' })
  await api.request('DELETE', `${MAPS}/a`)
  const events = await stream.take()
  assert.deepEqual(
    events.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  )
  const last = events[2]!.object.metadata as unknown as { labels: Record<string, string>; resourceVersion: string }
  assert.equal(last.labels['app'], 'x', 'as it was when it still matched')
  assert.ok(Number(last.resourceVersion) > Number(events[1]!.object.metadata.resourceVersion), 'under the revision of the change')
})

test('a kubelet hears of its own pods only, also when a pod moves to its node', async () => {
  await api.request('POST', '/api/v1/nodes', node('n1'))
  await api.request('POST', '/api/v1/nodes', node('n2'))
  const pods = '/api/v1/namespaces/default/pods'
  const stream = await watch('/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn1')
  await api.request('POST', pods, pod('other', { nodeName: 'n2' }))
  await api.request('POST', pods, pod('mine', { nodeName: 'n1' }))
  await api.request('POST', pods, pod('free'))
  assert.deepEqual(await stream.brief(), ['ADDED mine'])
  const target = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'free' }, target: { kind: 'Node', name: 'n1' } }
  assert.equal((await api.request('POST', `${pods}/free/binding`, target)).status, 201)
  assert.deepEqual(await stream.brief(), ['ADDED free'])
})

test('other namespaces and other names are not heard of', async () => {
  const named = await watch(`${MAPS}?watch=true&fieldSelector=metadata.name%3Da`)
  const legacy = await watch('/api/v1/watch/namespaces/default/configmaps/b')
  const everywhere = await watch('/api/v1/configmaps?watch=true&labelSelector=here%3Dyes')
  await create('a', { here: 'yes' })
  await create('b')
  await api.request('POST', '/api/v1/namespaces/kube-system/configmaps', {
    ...configMap('a'),
    metadata: { name: 'a', labels: { here: 'yes' } },
  })
  assert.deepEqual(await named.brief(), ['ADDED a'])
  assert.deepEqual(await legacy.brief(), ['ADDED b'])
  assert.deepEqual(await everywhere.brief(), ['ADDED a', 'ADDED a'])
})

test('sendInitialEvents: the state, the mark of its end, then changes', async () => {
  await create('a')
  const stream = await watch(`${MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)
  const [first, mark] = await stream.take()
  assert.equal(first?.type, 'ADDED')
  assert.equal(mark?.type, 'BOOKMARK')
  assert.equal(mark?.object.kind, 'ConfigMap')
  assert.equal(mark?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true')
  assert.equal(mark?.object.metadata.resourceVersion, await revision())
  await create('b')
  assert.deepEqual(await stream.brief(), ['ADDED b'])
})

test('sendInitialEvents=false starts with changes', async () => {
  await create('a')
  const stream = await watch(`${MAPS}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`)
  await create('b')
  assert.deepEqual(await stream.brief(), ['ADDED b'])
})

test('a bookmark a minute tells how far the store is, to those who allow it', async () => {
  const allowed = await watch(`${MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=${await revision()}`)
  const plain = await watch(`${MAPS}?watch=true&resourceVersion=${await revision()}`)
  await api.request('POST', '/api/v1/nodes', node('n1'))
  await clock.advance(61_000)
  const [mark] = await allowed.take()
  assert.equal(mark?.type, 'BOOKMARK')
  assert.equal(mark?.object.metadata.resourceVersion, await revision())
  assert.deepEqual(await plain.take(), [])
})

test('timeoutSeconds ends the watch in order, with a last bookmark', async () => {
  const stream = await watch(`${MAPS}?watch=true&timeoutSeconds=5&allowWatchBookmarks=true&resourceVersion=${await revision()}`)
  await clock.advance(4_000)
  await clock.settle()
  assert.equal(stream.state.ended, false)
  await clock.advance(2_000)
  assert.deepEqual(await stream.brief(), ['BOOKMARK'])
  assert.equal(stream.state.ended, true)
})

test('without timeoutSeconds it ends by itself after half an hour to an hour', async () => {
  const stream = await watch(`${MAPS}?watch=true&resourceVersion=${await revision()}`)
  await clock.advance(29 * 60_000)
  assert.equal(stream.state.ended, false)
  await clock.advance(32 * 60_000)
  await clock.settle()
  assert.equal(stream.state.ended, true)
})

test('a revision that is forgotten is answered with an ERROR event of 410', async () => {
  const old = await create('a')
  await create('b')
  await create('c')
  await clock.advance(10 * 60_000)
  const stream = await watch(`${MAPS}?watch=true&resourceVersion=${Number(old) - 1}`)
  const [event] = await stream.take()
  assert.equal(event?.type, 'ERROR')
  assert.equal(event?.object.code, 410)
  assert.equal(event?.object.reason, 'Expired')
  await clock.settle()
  assert.equal(stream.state.ended, true)
})

test('events as tables and as metadata', async () => {
  const table = await watch(`${MAPS}?watch=true`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  const meta = await watch(`${MAPS}?watch=true`, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' })
  await create('a')
  const [row] = await table.take()
  assert.equal(row?.object.kind, 'Table')
  assert.equal(row?.object.rows?.[0]?.cells[0], 'a')
  const [part] = await meta.take()
  assert.equal(part?.object.kind, 'PartialObjectMetadata')
})

test('a client that left is forgotten', async () => {
  const stream = await watch(`${MAPS}?watch=true`)
  const watchers = async () => /apiserver_watchers (\d+)/.exec((await api.request('GET', '/metrics')).text)?.[1]
  assert.equal(await watchers(), '1')
  stream.stop()
  await clock.settle()
  assert.equal(await watchers(), '0')
})

test('a stopping server ends watches in order', async () => {
  const stream = await watch(`${MAPS}?watch=true`)
  const stopped = api.stop()
  await clock.settle()
  await stopped
  assert.equal(stream.state.ended, true)
  api = await startApi({ clock })
})

test('a revision this store has never had is answered with 410: the client knows another store', async () => {
  const stream = await watch(`${MAPS}?watch=true&resourceVersion=1000000`)
  const [event] = await stream.take()
  assert.equal(event?.type, 'ERROR')
  assert.equal(event?.object.reason, 'Expired')
})
