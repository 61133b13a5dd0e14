import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ManualClock, manualClock } from '../../simulation/time/manual-clock.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, node, pod, serviceAccount } from '../harness/bodies.ts'

let api: TestApi
let clock: ManualClock
const MAPS = '/api/v1/namespaces/lists/configmaps'
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }

interface Listed {
  kind: string
  apiVersion: string
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
  items: { metadata: { name: string; namespace: string; resourceVersion: string } }[]
}
const listed = (answer: Answer): Listed => {
  assert.equal(answer.status, 200, answer.text)
  return answer.json as unknown as Listed
}
const names = (answer: Answer) => listed(answer).items.map((item) => item.metadata.name)
const refused = (answer: Answer, status: number, reason: string): string => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json['reason'], reason)
  return String(answer.json['message'])
}

before(async () => {
  clock = manualClock()
  api = await startApi({ clock })
  await api.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lists' } })
  await api.request('POST', '/api/v1/namespaces/lists/serviceaccounts', serviceAccount('default'))
  for (let n = 0; n < 10; n++) {
    const labels = { odd: String(n % 2 === 1), n: String(n) }
    await api.request('POST', MAPS, { ...configMap(`m${n}`, { data: { big: 'x'.repeat(100) } }), metadata: { name: `m${n}`, labels } })
  }
})
after(() => api.stop())

test('a list has the kind, the revision and the objects as GET answers them', async () => {
  const list = listed(await api.request('GET', MAPS))
  assert.equal(list.kind, 'ConfigMapList')
  assert.equal(list.apiVersion, 'v1')
  assert.equal(list.items.length, 10)
  assert.equal(Number(list.metadata.resourceVersion), Math.max(...list.items.map((item) => Number(item.metadata.resourceVersion))))
  assert.deepEqual(list.items[3], (await api.request('GET', `${MAPS}/m3`)).json)
})

test('an empty list is a list', async () => {
  assert.deepEqual(listed(await api.request('GET', '/api/v1/namespaces/empty/configmaps')).items, [])
})

test('all namespaces, and a large list in several pieces', async () => {
  for (let n = 0; n < 8; n++) {
    await api.request('POST', '/api/v1/namespaces/default/configmaps', configMap(`large-${n}`, { data: { big: 'y'.repeat(200_000) } }))
  }
  const all = listed(await api.request('GET', '/api/v1/configmaps'))
  assert.equal(all.items.filter((item) => item.metadata.namespace === 'lists').length, 10)
  assert.equal(all.items.filter((item) => item.metadata.name.startsWith('large-')).length, 8)
})

const selections: [string, string, string[]][] = [
  ['equality', 'labelSelector=odd%3Dtrue', ['m1', 'm3', 'm5', 'm7', 'm9']],
  ['set', 'labelSelector=n+in+(2,4)', ['m2', 'm4']],
  ['absence', 'labelSelector=!odd', []],
  ['two', 'labelSelector=odd%3Dtrue,n!%3D1', ['m3', 'm5', 'm7', 'm9']],
  ['name', 'fieldSelector=metadata.name%3Dm6', ['m6']],
  ['not this name', 'fieldSelector=metadata.name!%3Dm6&labelSelector=odd%3Dfalse', ['m0', 'm2', 'm4', 'm8']],
]
for (const [what, query, expected] of selections) {
  test(`selectors: ${what}`, async () => assert.deepEqual(names(await api.request('GET', `${MAPS}?${query}`)), expected))
}

test('a field that the kind cannot be selected by is refused', async () => {
  assert.match(refused(await api.request('GET', `${MAPS}?fieldSelector=data.big%3Dx`), 400, 'BadRequest'), /not a known field selector/)
})

test('pods by node and by phase', async () => {
  await api.request('POST', '/api/v1/nodes', node('n1'))
  const pods = '/api/v1/namespaces/lists/pods'
  await api.request('POST', pods, pod('on-node', { nodeName: 'n1' }))
  await api.request('POST', pods, pod('off-node'))
  assert.deepEqual(names(await api.request('GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1')), ['on-node'])
  assert.deepEqual(names(await api.request('GET', '/api/v1/pods?fieldSelector=spec.nodeName%3D,status.phase%3DPending')), ['off-node'])
})

test('pages are one snapshot, whatever is written meanwhile', async () => {
  const first = listed(await api.request('GET', `${MAPS}?limit=4`))
  assert.equal(first.items.length, 4)
  assert.equal(first.metadata.remainingItemCount, 6)
  await api.request('POST', MAPS, configMap('m55'))
  await api.request('DELETE', `${MAPS}/m9`)
  const second = listed(await api.request('GET', `${MAPS}?limit=4&continue=${first.metadata.continue}`))
  const third = listed(await api.request('GET', `${MAPS}?limit=4&continue=${second.metadata.continue}`))
  const all = [first, second, third].flatMap((page) => page.items.map((item) => item.metadata.name))
  assert.deepEqual(all, ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9'])
  assert.deepEqual(new Set([first, second, third].map((page) => page.metadata.resourceVersion)).size, 1)
  assert.equal(third.metadata.continue, undefined)
  await api.request('DELETE', `${MAPS}/m55`)
})

test('pages with a selector have what matches and no count of the rest', async () => {
  const first = listed(await api.request('GET', `${MAPS}?limit=2&labelSelector=odd%3Dtrue`))
  assert.deepEqual(
    first.items.map((item) => item.metadata.name),
    ['m1', 'm3'],
  )
  assert.equal(first.metadata.remainingItemCount, undefined)
  const rest = listed(await api.request('GET', `${MAPS}?limit=9&labelSelector=odd%3Dtrue&continue=${first.metadata.continue}`))
  assert.deepEqual(
    rest.items.map((item) => item.metadata.name),
    ['m5', 'm7'],
  )
  assert.equal(rest.metadata.continue, undefined)
})

test('exact, not older, any: resourceVersion and resourceVersionMatch', async () => {
  const before = listed(await api.request('GET', MAPS))
  await api.request('POST', MAPS, configMap('later'))
  const version = before.metadata.resourceVersion
  assert.ok(!names(await api.request('GET', `${MAPS}?resourceVersion=${version}&resourceVersionMatch=Exact`)).includes('later'))
  assert.ok(names(await api.request('GET', `${MAPS}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`)).includes('later'))
  assert.ok(names(await api.request('GET', `${MAPS}?resourceVersion=${version}`)).includes('later'))
  assert.ok(names(await api.request('GET', `${MAPS}?resourceVersion=0`)).includes('later'))
  assert.ok(!names(await api.request('GET', `${MAPS}?resourceVersion=${version}&limit=500`)).includes('later'))
  await api.request('DELETE', `${MAPS}/later`)
})

test('a revision of the future is a timeout that says so', async () => {
  const answer = await api.request('GET', `${MAPS}?resourceVersion=999999`)
  assert.match(refused(answer, 504, 'Timeout'), /Too large resource version: 999999/)
  assert.equal(answer.header('retry-after'), '1')
  refused(await api.request('GET', `${MAPS}/m1?resourceVersion=999999`), 504, 'Timeout')
})

test('after five minutes a continue token has expired, and another one comes with the refusal', async () => {
  const first = listed(await api.request('GET', `${MAPS}?limit=3`))
  await api.request('POST', MAPS, configMap('mzz'))
  await clock.advance(6 * 60_000)
  const expired = await api.request('GET', `${MAPS}?limit=3&continue=${first.metadata.continue}`)
  assert.match(refused(expired, 410, 'Expired'), /The provided continue parameter is too old/)
  const token = (expired.json['metadata'] as { continue: string }).continue
  const rest = names(await api.request('GET', `${MAPS}?continue=${token}`))
  assert.equal(rest[0], 'm3')
  assert.ok(rest.includes('mzz'), 'the inconsistent list sees what was written since')
  refused(await api.request('GET', `${MAPS}?resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`), 410, 'Expired')
})

test('a table has the kind’s columns and one row an object', async () => {
  const table = (await api.request('GET', '/api/v1/namespaces/lists/pods', undefined, TABLE)).json as {
    kind: string
    columnDefinitions: { name: string; priority: number }[]
    rows: { cells: unknown[]; object: { kind: string; metadata: { name: string } } }[]
  }
  assert.equal(table.kind, 'Table')
  const columns = table.columnDefinitions.map((column) => column.name)
  assert.deepEqual(columns.slice(0, 5), ['Name', 'Ready', 'Status', 'Restarts', 'Age'])
  const row = table.rows.find((each) => each.object.metadata.name === 'off-node')
  assert.deepEqual(
    row?.cells.slice(0, 4),
    ['off-node', '0/1', 'Pending', 0].map((cell, index) => (index === 3 ? row?.cells[3] : cell)),
  )
  assert.equal(row?.object.kind, 'PartialObjectMetadata')
  for (const each of table.rows) assert.equal(each.cells.length, columns.length)
})

test('includeObject: the whole object, or none', async () => {
  const rows = async (what: string) =>
    ((await api.request('GET', `${MAPS}?includeObject=${what}`, undefined, TABLE)).json as { rows: { object?: { kind: string } }[] }).rows
  assert.equal((await rows('Object'))[0]?.object?.kind, 'ConfigMap')
  assert.equal((await rows('None'))[0]?.object, undefined)
  refused(await api.request('GET', `${MAPS}?includeObject=Some`, undefined, TABLE), 400, 'BadRequest')
})

test('metadata only', async () => {
  const accept = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }
  const list = (await api.request('GET', `${MAPS}?limit=1`, undefined, accept)).json as unknown as Listed & { items: object[] }
  assert.equal(list.kind, 'PartialObjectMetadataList')
  assert.deepEqual(Object.keys(list.items[0]!).sort(), ['apiVersion', 'kind', 'metadata'])
})

test('YAML answers', async () => {
  const answer = await api.request('GET', `${MAPS}/m1`, undefined, { accept: 'application/yaml' })
  assert.equal(answer.header('content-type'), 'application/yaml')
  assert.match(answer.text, /^kind: ConfigMap$/m)
  assert.match((await api.request('GET', MAPS, undefined, { accept: 'application/yaml' })).text, /^kind: ConfigMapList$/m)
})

test('people at a terminal get lines', async () => {
  const answer = await api.request('GET', `${MAPS}/m1`, undefined, { 'user-agent': 'curl/8.0' })
  assert.match(answer.text, /^\{\n {2}"kind": "ConfigMap",\n/)
  assert.ok(!(await api.request('GET', `${MAPS}/m1?pretty=false`, undefined, { 'user-agent': 'curl/8.0' })).text.includes('\n '))
})

test('nothing acceptable is 406', async () => {
  refused(await api.request('GET', MAPS, undefined, { accept: 'text/html' }), 406, 'NotAcceptable')
  listed(await api.request('GET', MAPS, undefined, { accept: 'text/html, */*' }))
})
