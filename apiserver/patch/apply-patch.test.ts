import assert from 'node:assert/strict'
import test from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { applyPatch } from './apply-patch.ts'

/** Tests run beside each other; what is looked for here is seconds. */
const SLOW_MACHINE = 5
const objects = (depth: number): unknown => (depth === 0 ? 1 : { a: objects(depth - 1) })
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
    [[{ op: 'replace', path: '/new', value: 1 }], { ...document, new: 1 }],
    [[{ op: 'remove', path: '/a/b/-1' }], { ...document, a: { ...document.a, b: [1, 2] } }],
    [[{ op: 'move', from: '/a/b/0', path: '/a/b/-' }], { ...document, a: { ...document.a, b: [2, 3, 1] } }],
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
    { op: 'replace', path: '', value: 1 },
    { op: 'add', path: '', value: {} },
    { op: 'remove', path: '/a/-2' },
    { op: 'remove', path: '/a/length' },
    { op: 'copy', from: '/b/0', path: '/d' },
    { op: 'copy', from: '/a/length', path: '/d' },
    { op: 'test', path: '/c/d', value: null },
    { op: 'replace', path: '/a/-', value: 1 },
    { op: 'add', path: '/c/d', value: 1 },
    { op: 'add', path: '/a/2', value: 1 },
    { op: 'add', path: '/a/01', value: 1 },
    { op: 'add', path: '/a/x', value: 1 },
    { op: 'add', path: '/b/x', value: 1 },
    { op: 'add', path: 'b', value: 1 },
    { op: 'copy', from: '/c', path: '/d' },
    { op: 'move', from: '/a', path: '/a/0' },
    { op: 'add', path: '/__proto__/x', value: 1 },
    { op: 'add', path: '/constructor/prototype/x', value: 1 },
    { op: 'copy', from: '/constructor', path: '/d' },
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
  const twice = [{ op: 'add', path: '/n', value: {} }, ...Array(10_000).fill({ op: 'copy', from: '', path: '/n/n' })]
  assert.throws(() => json({}, twice), { code: 413 })
  const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)])
  const deeper = Array.from({ length: 100 }, (_, at) => ({ op: 'add', path: '/0'.repeat(at * 200), value: nest(200) }))
  assert.throws(() => json([], [{ op: 'add', path: '/0', value: [] }, ...deeper.slice(1)]), { code: 422 }, 'nothing is there')
  const steps = Array.from({ length: 9 }, (_, at) => ({ op: 'add', path: '/a'.repeat(at * 40 + 1), value: objects(40) }))
  assert.throws(() => json({}, steps), { code: 413, message: /deeper than 250/ })
  const doubling = [{ op: 'add', path: '/a', value: ['x'.repeat(1000)] }, ...Array(100).fill({ op: 'copy', from: '/a', path: '/a/-' })]
  assert.throws(() => json({}, doubling), { code: 413 })
  assert.equal(JSON.stringify(json({}, [{ op: 'add', path: '/__proto__', value: { x: 1 } }])), '{"__proto__":{"x":1}}')
})

test('JSON patch: names that mean something to programs are names like others', () => {
  const odd = JSON.parse('{"__proto__":{"a":1},"constructor":"c","prototype":[],"\\u0000constructor":"n","toString":"t"}')
  const same = (patch: unknown, expected: string, document: unknown = { data: odd }) =>
    assert.equal(JSON.stringify(json(document, patch)), expected.replaceAll("'", '"'))
  same([], JSON.stringify({ data: odd }))
  same([{ op: 'add', path: '/data', value: odd }], JSON.stringify({ data: odd }), {})
  same(
    [
      { op: 'copy', from: '/data/__proto__/a', path: '/b' },
      { op: 'remove', path: '/data' },
    ],
    "{'b':1}",
  )
  same(
    [
      { op: 'move', from: '/data/constructor', path: '/b' },
      { op: 'remove', path: '/data' },
    ],
    "{'b':'c'}",
  )
  same([{ op: 'replace', path: '/toString', value: 1 }], "{'toString':1}", {})
  assert.equal(Object.hasOwn(Object.prototype, 'a'), false)
})

test('JSON patch: says why in the words of upstream', () => {
  const why: [unknown, string][] = [
    [{ op: 'remove', path: '/x' }, "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value"],
    [{ op: 'add', path: '/x/y', value: 1 }, 'add operation does not apply: doc is missing path: "/x/y": missing value'],
    [{ op: 'add', path: '/a/9', value: 1 }, "error in add for path: '/a/9': Unable to access invalid index: 9: invalid index referenced"],
    [{ op: 'replace', path: '/a/9', value: 1 }, 'replace operation does not apply: doc is missing key: /a/9: missing value'],
    [{ op: 'test', path: '/a/0', value: 2 }, 'testing value /a/0 failed: test failed'],
    [{ op: 'move', from: '/a', path: '/a/0' }, 'move operation does not apply: doc is missing destination path: /a/0: missing value'],
  ]
  for (const [operation, words] of why) {
    const message = `the server rejected our request due to an error in our request: ${words}`
    assert.throws(() => json({ a: [1] }, [operation]), { code: 422, message })
  }
})

test('JSON patch: costs less than 100 ms a megabyte, whatever it does', () => {
  const list = Array.from({ length: 100_000 }, (_, at) => at)
  const other = list.map((at) => at + 1)
  const text = 'x'.repeat(700_000)
  const many = (operation: unknown) => Array(10_000).fill(operation)
  const hostile: [string, unknown, unknown[]][] = [
    ['removes from the head', { list }, many({ op: 'remove', path: '/list/0' })],
    ['adds at the head', { list }, many({ op: 'add', path: '/list/0', value: 1 })],
    ['compares long lists', { list }, [{ op: 'test', path: '/list', value: other }]],
    ['moves a large value to and fro', { a: text }, many({ op: 'move', from: '/a', path: '/a' })],
    ['walks far', {}, [{ op: 'add', path: '/a'.repeat(500_000), value: 1 }]],
    [
      'changes one of many keys',
      Object.fromEntries(list.slice(0, 20_000).map((at) => [`k${at}`, 1])),
      many({ op: 'replace', path: '/k0', value: 2 }),
    ],
    ['compares the same list again and again', { list }, many({ op: 'test', path: '/list', value: [] })],
  ]
  for (const [what, document, patch] of hostile) {
    const bytes = JSON.stringify(document).length + JSON.stringify(patch).length
    const before = process.cpuUsage()
    try {
      json(document, patch)
    } catch (error) {
      assert.ok(error instanceof StatusError, what)
    }
    const { user, system } = process.cpuUsage(before)
    const allowed = Math.max(100, (bytes / 1e6) * 100)
    assert.ok((user + system) / 1000 < allowed * SLOW_MACHINE, `${what}: ${(user + system) / 1000} ms of CPU for ${bytes} bytes`)
  }
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
