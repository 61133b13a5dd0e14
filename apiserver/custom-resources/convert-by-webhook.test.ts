import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readReview } from './convert-by-webhook.ts'

test('a converter that says long numbers where texts belong is told what it said', () => {
  const asked = [{ apiVersion: 'a.example.com/v1', kind: 'Backup', metadata: { name: 'a' } }]
  const read = (uid: unknown, object: object) =>
    readReview(
      { response: { uid, result: { status: 'Success' }, convertedObjects: [object] } },
      { uid: 'u', asked, apiVersion: 'a.example.com/v2' },
    )
  assert.throws(() => read(9007199254740993n, {}), /^Error: expected response\.uid="u", got 9007199254740993$/)
  assert.throws(() => read('u', { apiVersion: 9007199254740993n }), /wrong apiVersion 9007199254740993, wanted a\.example\.com\/v2$/)
  assert.throws(() => read('u', { apiVersion: 'a.example.com/v2', kind: 9007199254740993n }), /wrong kind 9007199254740993, wanted Backup$/)
})
