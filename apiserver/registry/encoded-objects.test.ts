import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeItem } from '../protobuf/encode-protobuf.ts'
import { EncodedObjects } from './encoded-objects.ts'
import type { StoredEntry } from './object-facts.ts'
import type { Resource } from './resource-table.ts'

const resource = { apiVersion: 'v1', kind: 'ConfigMap' } as Resource
const object = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data })
const entry = (revision: number, data: object) =>
  ({ key: 'core/configmaps/default/a', revision, value: Buffer.from(JSON.stringify(object(data))) }) as StoredEntry

test('an object is encoded once for each revision', () => {
  const encoded = new EncodedObjects()
  const first = encoded.itemOf(resource, entry(1, { a: 'b' }))
  assert.deepEqual(first, encodeItem(resource, object({ a: 'b' })))
  assert.equal(encoded.itemOf(resource, entry(1, { a: 'b' })), first)
  const second = encoded.itemOf(resource, entry(2, { a: 'c' }))
  assert.deepEqual(second, encodeItem(resource, object({ a: 'c' })))
})

test('what is kept is bounded', () => {
  const encoded = new EncodedObjects()
  const big = { big: 'x'.repeat(1024 * 1024) }
  for (let revision = 1; revision <= 40; revision++) encoded.itemOf(resource, entry(revision, big))
  assert.ok(encoded.bytes <= 32 * 1024 * 1024, `${encoded.bytes} bytes are kept`)
  assert.ok(encoded.bytes > 20 * 1024 * 1024)
})
