import assert from 'node:assert/strict'
import test from 'node:test'
import { applyPatch } from './apply-patch.ts'

const podName = 'io.k8s.api.core.v1.Pod'
const json = (current: unknown, patch: unknown) => applyPatch('application/json-patch+json', current, patch, podName)
const merge = (current: unknown, patch: unknown) => applyPatch('application/merge-patch+json; charset=utf-8', current, patch, podName)

test('JSON patch: every operation', () => {
  const document = { a: { b: [1, 2, 3], 'x/y~z': 0 }, c: 'd' }
  const cases: [unknown[], unknown][] = [
    [[{ op: 'add', path: '/a/b/1', value: 9 }], { ...document, a: { ...document.a, b: [1, 9, 2, 3] } }],
    [[{ op: 'add', path: '/a/b/-', value: 9 }], { ...document, a: { ...document.a, b: [1, 2, 3, 9] } }],
    [[{ op: 'add', path: '/c', value: null }], { ...document, c: null }],
    [[{ op: 'remove', path: '/a/b/0' }], { ...document, a: { ...document.a, b: [2, 3] } }],
    [[{ op: 'replace', path: '/a/x~1y~0z', value: 1 }], { ...document, a: { ...document.a, 'x/y~z': 1 } }],
    [[{ op: 'replace', path: '/a/b/2', value: 1 }], { ...document, a: { ...document.a, b: [1, 2, 1] } }],
    [[{ op: 'replace', path: '', value: { n: 1 } }], { n: 1 }],
    [[{ op: 'move', from: '/c', path: '/a/c' }], { a: { ...document.a, c: 'd' } }],
    [
      [
        { op: 'copy', from: '/a', path: '/e' },
        { op: 'remove', path: '/a' },
      ],
      { c: 'd', e: document.a },
    ],
    [[{ op: 'test', path: '/a', value: { 'x/y~z': 0, b: [1, 2, 3] } }], document],
    [[{ op: 'test', path: '/missing', value: null }], document],
    [[{ op: 'move', from: '/c', path: '/c' }], document],
    [[], document],
  ]
  for (const [patch, expected] of cases) assert.deepEqual(json(document, patch), expected, JSON.stringify(patch))
  assert.deepEqual(document, { a: { b: [1, 2, 3], 'x/y~z': 0 }, c: 'd' })
})

test('JSON patch: operations that do not apply are Invalid', () => {
  const document = { a: [1], b: 'text' }
  for (const operation of [
    { op: 'test', path: '/b', value: 'other' },
    { op: 'remove', path: '/c' },
    { op: 'remove', path: '/a/1' },
    { op: 'remove', path: '' },
    { op: 'replace', path: '/c', value: 1 },
    { op: 'replace', path: '/a/-', value: 1 },
    { op: 'add', path: '/c/d', value: 1 },
    { op: 'add', path: '/a/2', value: 1 },
    { op: 'add', path: '/a/01', value: 1 },
    { op: 'add', path: '/a/x', value: 1 },
    { op: 'add', path: '/b/x', value: 1 },
    { op: 'add', path: 'b', value: 1 },
    { op: 'copy', from: '/c', path: '/d' },
    { op: 'move', from: '/a', path: '/a/0' },
    { op: 'replace', path: '/__proto__', value: 1 },
    { op: 'remove', path: '/toString' },
  ]) {
    assert.throws(() => json(document, [operation]), { code: 422, reason: 'Invalid' }, JSON.stringify(operation))
  }
})

test('JSON patch: what is no patch is a BadRequest; what is too much is said', () => {
  for (const patch of [
    {},
    'x',
    null,
    [1],
    [{ op: 'burn', path: '/a' }],
    [{ op: 'add', path: '/a' }],
    [{ op: 'add', value: 1 }],
    [{ op: 'move', path: '/a' }],
    [{ op: 'add', path: 5, value: 1 }],
  ]) {
    assert.throws(() => json({}, patch), { code: 400, reason: 'BadRequest' }, JSON.stringify(patch))
  }
  assert.throws(() => json({}, Array(10_001).fill({ op: 'test', path: '', value: {} })), { code: 413 })
  const doubling = [{ op: 'add', path: '/a', value: ['x'.repeat(1000)] }, ...Array(100).fill({ op: 'copy', from: '/a', path: '/a/-' })]
  assert.throws(() => json({}, doubling), { code: 413 })
  assert.equal(JSON.stringify(json({}, [{ op: 'add', path: '/__proto__', value: { x: 1 } }])), '{"__proto__":{"x":1}}')
})

test('merge patch', () => {
  assert.deepEqual(merge({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { b: null, e: { f: null, g: 1 } }, d: [3] }), {
    a: { c: 2, e: { g: 1 } },
    d: [3],
  })
  assert.deepEqual(merge({ a: 'x' }, { a: { b: 1 } }), { a: { b: 1 } })
  assert.throws(() => merge({}, []), { code: 400 })
  assert.throws(() => merge({}, null), { code: 400 })
})

test('other media types', () => {
  assert.throws(() => applyPatch('application/json', {}, {}, podName), { code: 415, message: /application\/strategic-merge-patch\+json/ })
  assert.throws(() => applyPatch(undefined, {}, {}, podName), { code: 415 })
  assert.deepEqual(applyPatch('application/strategic-merge-patch+json', { metadata: {} }, { metadata: { name: 'x' } }, podName), {
    metadata: { name: 'x' },
  })
})
