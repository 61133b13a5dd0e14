import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Event } from '../../shared/openapi/generated/core-v1.ts'
import type { EventList, Event as NewStyle } from '../../shared/openapi/generated/events-v1.ts'
import { startApi, type TestApi } from '../harness/api.ts'

const OLD = '/api/v1/namespaces/default/events'
const NEW = '/apis/events.k8s.io/v1/namespaces/default/events'
const regarding = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-1', uid: 'u-1', fieldPath: 'spec.containers{web}' }
const told = {
  ...{ eventTime: '2026-01-02T03:04:05.123456Z', type: 'Normal', reason: 'Started', action: 'Starting' },
  ...{ reportingController: 'example.com/agent', reportingInstance: 'agent-7', note: 'it runs', regarding },
}

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.stop())

const as = <T>(answer: { json: object }) => answer.json as T
const create = (path: string, name: string, rest: object) => api.request('POST', path, { kind: 'Event', metadata: { name }, ...rest })

test('an event told in new words is read in old ones, and the other way round', async () => {
  assert.equal((await create(NEW, 'new', told)).status, 201)
  const old = as<Event>(await api.request('GET', `${OLD}/new`))
  assert.deepEqual(
    [old.involvedObject, old.message, old.reportingComponent, old.source, old.eventTime, old.count],
    [regarding, told.note, told.reportingController, {}, told.eventTime, undefined],
  )

  const firstTimestamp = '2026-01-02T03:04:05Z'
  const written = await create(OLD, 'old', {
    ...{ involvedObject: regarding, message: 'it ran', source: { component: 'kubelet', host: 'a' }, count: 3, firstTimestamp },
  })
  assert.equal(written.status, 201, written.text)
  const read = as<NewStyle>(await api.request('GET', `${NEW}/old`))
  assert.deepEqual(
    [read.regarding, read.note, read.deprecatedSource, read.deprecatedCount, read.deprecatedFirstTimestamp, read.eventTime],
    [regarding, 'it ran', { component: 'kubelet', host: 'a' }, 3, firstTimestamp, null],
  )
})

test('each version selects by its own names of the fields', async () => {
  await create(NEW, 'selected', { ...told, reason: 'Chosen', regarding: { ...regarding, name: 'chosen' } })
  const names = async (path: string, selector: string) =>
    as<EventList>(await api.request('GET', `${path}?fieldSelector=${selector}`)).items.map(({ metadata }) => metadata.name)
  assert.deepEqual(await names(NEW, 'regarding.name=chosen,reportingController=example.com/agent'), ['selected'])
  assert.deepEqual(await names(OLD, 'involvedObject.name=chosen'), ['selected'])
  const foreign = await api.request('GET', `${NEW}?fieldSelector=involvedObject.name=chosen`)
  assert.equal(foreign.status, 400)
  assert.match(foreign.text, /not a known field selector.*regarding\.name/)
})

test('new words are for the new style: its rules hold for what is new', async () => {
  for (const [wrong, field] of [
    [{ eventTime: null }, 'eventTime'],
    [{ type: 'Loud' }, 'type'],
    [{ deprecatedCount: 2 }, 'deprecatedCount'],
    [{ deprecatedSource: { component: 'kubelet' } }, 'deprecatedSource'],
    [{ deprecatedFirstTimestamp: '2026-01-02T03:04:05Z' }, 'deprecatedFirstTimestamp'],
  ] as const) {
    const refused = await create(NEW, 'refused', { ...told, ...wrong })
    assert.equal(refused.status, 422, `${field}: ${refused.text}`)
    assert.match(refused.text, new RegExp(`"field":"${field}"`))
  }
  assert.equal((await create(NEW, 'series', told)).status, 201)
  const patch = (change: object) => api.request('PATCH', `${NEW}/series`, change, { 'content-type': 'application/merge-patch+json' })
  const noted = await patch({ note: 'something else' })
  assert.equal(noted.status, 200, noted.text)
  assert.equal(as<Event>(await api.request('GET', `${OLD}/series`)).message, 'something else')
  const series = { count: 2, lastObservedTime: '2026-01-02T03:05:05.000000Z' }
  const next = await patch({ series })
  assert.equal(next.status, 200, next.text)
  assert.deepEqual(as<NewStyle>(next).series, series)
  assert.deepEqual(as<Event>(await api.request('GET', `${OLD}/series`)).series, series)
})
