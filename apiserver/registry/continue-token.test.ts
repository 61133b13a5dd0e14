import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { decodeContinue, encodeContinue } from './continue-token.ts'

test('a token comes back as it went', () => {
  const token = { revision: 12, after: 'core/pods/default/web-1' }
  assert.deepEqual(decodeContinue(encodeContinue(token, 'core/pods/default/'), 'core/pods/default/'), token)
})

test('a token stays inside the list it was asked for with', () => {
  const token = encodeContinue({ revision: 1, after: 'core/pods/a/x' }, 'core/pods/a/')
  assert.equal(decodeContinue(token, 'core/secrets/b/').after, 'core/secrets/b/x')
})

const bad = [
  '',
  'x',
  '{}',
  '{"v":"meta.k8s.io/v1"}',
  '{"v":"other","rv":1,"start":"a\\u0000"}',
  '{"v":"meta.k8s.io/v1","rv":0,"start":"a\\u0000"}',
]
const worse = [
  '{"v":"meta.k8s.io/v1","rv":-2,"start":"a\\u0000"}',
  '{"v":"meta.k8s.io/v1","rv":1.5,"start":"a\\u0000"}',
  '{"v":"meta.k8s.io/v1","rv":1,"start":7}',
  'null',
  '7',
]
for (const text of [...bad, ...worse]) {
  test(`${text || 'nothing'} is no token`, () => {
    const token = Buffer.from(text).toString('base64url')
    assert.throws(
      () => decodeContinue(token, 'core/pods/'),
      (error) => error instanceof StatusError && error.code === 400,
    )
  })
}
