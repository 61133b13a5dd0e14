import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainJson } from '../http/content-type.ts'
import { requestInfo } from '../http/request-info.ts'
import { defineResource } from '../registry/define-resource.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import { ResourceTable } from '../registry/resource-table.ts'
import { selectionOf } from '../registry/selection.ts'
import type { Change, Entry } from '../storage/storage.ts'
import { Audience } from './audience.ts'
import { ChangeFrames } from './event-frames.ts'
import { WatchIndex } from './watch-index.ts'

const definition = defineResource('v1', 'Pod', { selectableFields: { 'spec.nodeName': (pod) => pod.spec.nodeName ?? '' } })
const pods = new ResourceTable([definition as never]).find('', 'v1', 'pods')!

const audience = (namespace: string, query: string) =>
  new Audience(pods, selectionOf(pods, namespace, requestInfo('GET', `/api/v1/pods?watch=1&${query}`)), plainJson, false)

interface State {
  namespace?: string
  name?: string
  labels?: Record<string, string>
  node?: string
}
let revision = 0
const entry = ({ namespace = 'a', name = 'x', labels, node = '' }: State): Entry<ObjectFacts> => ({
  key: `core/pods/${namespace}/${name}`,
  value: Buffer.from(`{"metadata":{"name":"${name}","resourceVersion":"${revision}"}}`),
  ...{ revision: ++revision, createRevision: 1, facts: { namespace, name, labels, fields: [node] } },
})
const change = (now: State | undefined, before?: State): Change<ObjectFacts> => {
  const previous = before && entry(before)
  const current = entry((now ?? before)!)
  return { type: now ? 'put' : 'delete', key: current.key, revision: current.revision, entry: current, previous, time: 0 }
}

/** Every kind of place an audience may be filed under. */
const asked: Record<string, [string, string]> = {
  everything: ['', ''],
  'namespace a': ['a', ''],
  'namespace b': ['b', ''],
  'name x': ['', 'fieldSelector=metadata.name=x'],
  'name x in a': ['a', 'fieldSelector=metadata.name=x'],
  'node 1': ['', 'fieldSelector=spec.nodeName=n1'],
  'node 2': ['', 'fieldSelector=spec.nodeName=n2'],
  'no node': ['', 'fieldSelector=spec.nodeName='],
  'not node 1': ['', 'fieldSelector=spec.nodeName!=n1'],
  'app web': ['', 'labelSelector=app=web'],
  'app web in b': ['b', 'labelSelector=app in (web)'],
  'app any': ['', 'labelSelector=app'],
  'app web or db': ['', 'labelSelector=app in (web,db)'],
  'node 1 and app web': ['', 'fieldSelector=spec.nodeName=n1&labelSelector=app=web'],
}

const changes: Record<string, Change<ObjectFacts>> = {
  created: change({}),
  'created on a node': change({ node: 'n1', labels: { app: 'web' } }),
  'put on a node': change({ node: 'n1' }, {}),
  'moved to another node': change({ node: 'n2' }, { node: 'n1' }),
  relabelled: change({ labels: { app: 'db' } }, { labels: { app: 'web' } }),
  'label taken away': change({}, { labels: { app: 'web' } }),
  'deleted in b': change(undefined, { namespace: 'b', labels: { app: 'web' }, node: 'n1' }),
  'another name': change({ name: 'y', namespace: 'b' }),
}

for (const [what, each] of Object.entries(changes)) {
  test(`${what}: the index leads to exactly those whom a look at everybody would find`, () => {
    const index = new WatchIndex(pods)
    const audiences = Object.entries(asked).map(([name, [namespace, query]]) => ({ name, audience: audience(namespace, query) }))
    for (const { audience: one } of audiences) index.add(one)
    const found = [...index.candidates(each)]
    assert.equal(new Set(found).size, found.length, 'nobody twice')
    const concerned = (one: Audience) => new ChangeFrames(each, 0).frame(pods, one.selects, one.representation) !== undefined
    const names = (list: Audience[]) => audiences.filter((one) => list.includes(one.audience)).map((one) => one.name)
    const wanted = names(audiences.map((one) => one.audience).filter(concerned))
    assert.deepEqual(names(found.filter(concerned)), wanted)
    assert.ok(wanted.length > 0)
    for (const { audience: one } of audiences) index.remove(one)
    assert.equal(index.size, 0)
    assert.deepEqual([...index.candidates(each)], [])
  })
}

test('a kubelet’s watch is not even looked at when other nodes’ pods change', () => {
  const index = new WatchIndex(pods)
  for (let n = 0; n < 1000; n++) index.add(audience('', `fieldSelector=spec.nodeName=node-${n}`))
  assert.equal([...index.candidates(change({ node: 'node-7' }, { node: 'node-7' }))].length, 1)
})

const nobody = () => assert.fail('nothing is converted')

test('an audience keeps what its slowest watcher lacks, joins what is pending once, and says who is too slow', () => {
  const one = audience('', '')
  const watcher = { position: 0 }
  one.watchers.add(watcher as never)
  const first = change({})
  one.offer(new ChangeFrames(first, 0), nobody)
  one.offer(new ChangeFrames(change({ name: 'y' }), 0), nobody)
  const { bytes: pending, end } = one.pending(0, 0)
  assert.equal(end, 2)
  assert.equal(pending?.toString().split('\n').length, 3)
  assert.equal(one.pending(0, 0).bytes, pending, 'the same buffer for the next watcher')
  assert.equal(one.pending(0, first.revision).bytes?.toString().split('\n').length, 2, 'what it knows already is left out')
  assert.deepEqual(one.trim(), [])
  assert.equal(one.pending(0, 0).bytes?.length, pending?.length)
  watcher.position = one.end
  one.trim()
  assert.equal(one.pending(one.end, 0).bytes, undefined)
  watcher.position = one.end
  for (let n = 0; n < 20_001; n++) one.offer(new ChangeFrames(first, 0), nobody)
  assert.deepEqual(one.trim(), [watcher])
})
