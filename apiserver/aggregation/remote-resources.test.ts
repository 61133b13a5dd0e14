import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentHash, remoteResources } from './remote-resources.ts'

const list = (...resources: unknown[]) => ({ kind: 'APIResourceList', resources })
const row = { name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs: ['get'] }

test('rows are taken as far as they are rows', () => {
  const read = remoteResources(
    list(row, null, 7, {}, { ...row, name: 5 }, { name: 'others', kind: 'Other', verbs: [1, 'list'], version: 'v2' }),
  )
  assert.deepEqual(read, [
    row,
    { name: 'others', kind: 'Other', singularName: '', namespaced: false, verbs: ['list'], group: '', version: 'v2' },
  ])
  assert.equal(remoteResources(list(...Array.from({ length: 3_000 }, () => row))).length, 2_000)
  assert.deepEqual(remoteResources(list({ ...row, name: 'x'.repeat(100_000) })), [])
})

test('anything else is no list', () => {
  for (const answer of [undefined, null, 'yes', [], {}, { kind: 'APIResourceList' }, { kind: 'Status', resources: [] }]) {
    assert.throws(() => remoteResources(answer), /no APIResourceList/)
  }
})

test('the hash of a document is read from an index, and from nothing else', () => {
  const index = (serverRelativeURL: unknown) => ({ paths: { 'apis/a/v1': { serverRelativeURL } } })
  assert.equal(documentHash(index('/openapi/v3/apis/a/v1?hash=ABC-1'), 'apis/a/v1'), 'ABC-1')
  assert.equal(documentHash(index('/openapi/v3/apis/a/v1'), 'apis/a/v1'), '')
  assert.equal(documentHash(index('/x?hash=a b'), 'apis/a/v1'), '')
  for (const other of [index(7), {}, null, { paths: null }]) assert.equal(documentHash(other, 'apis/a/v1'), undefined)
  assert.equal(documentHash(index('/x'), 'toString'), undefined)
})
