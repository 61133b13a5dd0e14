import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityHeaders } from './identity-headers.ts'

test('a user is said in headers, whatever letters there are', () => {
  const user = { name: 'jürgen', uid: '7', groups: ['a', 'b'], extra: { 'example.com/Key %': ['x'], none: [] } }
  assert.deepEqual(identityHeaders(user), {
    'X-Remote-User': Buffer.from('jürgen').toString('latin1'),
    'X-Remote-Uid': '7',
    'X-Remote-Group': ['a', 'b'],
    'X-Remote-Extra-example.com%2Fkey%20%25': ['x'],
  })
  assert.deepEqual(identityHeaders({ name: 'x', groups: [] }), { 'X-Remote-User': 'x' })
})

test('no name becomes another one, or another header, on the way', () => {
  for (const text of ['a\r\nX-Remote-Group: system:masters', 'a\nb', 'a\u0000', ' root', 'root ', 'root\t']) {
    assert.throws(() => identityHeaders({ name: text, groups: [] }), { reason: 'BadRequest' }, JSON.stringify(text))
    assert.throws(() => identityHeaders({ name: 'a', groups: [text] }), { reason: 'BadRequest' })
    assert.throws(() => identityHeaders({ name: 'a', groups: [], extra: { a: [text] } }), { reason: 'BadRequest' })
  }
})
