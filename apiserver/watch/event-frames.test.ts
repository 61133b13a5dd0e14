import assert from 'node:assert/strict'
import { test } from 'node:test'
import { negotiate } from '../http/content-type.ts'
import { encodeWatchEvent } from '../protobuf/encode-protobuf.ts'
import type { ObjectFacts, StoredEntry } from '../registry/object-facts.ts'
import type { Resource } from '../registry/resource-table.ts'
import type { Change } from '../storage/storage.ts'
import { ChangeFrames } from './event-frames.ts'

const resource = { apiVersion: 'v1', kind: 'ConfigMap' } as Resource
const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '7' }, data: { a: 'b' } }
const facts = { namespace: 'default', name: 'a', labels: undefined, fields: [] }
const value = Buffer.from(JSON.stringify(object))
const entry: StoredEntry = { key: 'core/configmaps/default/a', revision: 7, createRevision: 7, value, facts }
const change: Change<ObjectFacts> = { type: 'put', key: entry.key, revision: 7, entry, previous: undefined, time: 0 }
const inForm = (accept: string) => negotiate({ accept, userAgent: undefined, pretty: null, includeObject: null })

test('a change is framed once for all who speak protobuf, and once for all who speak JSON', () => {
  const frames = new ChangeFrames(change, 0)
  const frame = (accept: string) => frames.frame(resource, () => true, inForm(accept))
  const protobuf = frame('application/vnd.kubernetes.protobuf')
  assert.deepEqual(protobuf, encodeWatchEvent('ADDED', object))
  assert.equal(frame('application/vnd.kubernetes.protobuf,application/json'), protobuf)
  assert.equal(frame('application/vnd.kubernetes.protobuf;stream=watch'), protobuf)
  const json = frame('application/json')
  assert.equal(String(json), `{"type":"ADDED","object":${entry.value}}\n`)
  assert.equal(frame('*/*'), json)
})
