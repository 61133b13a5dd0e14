import assert from 'node:assert/strict'
import test from 'node:test'
import { definition } from '../../shared/openapi/document.ts'
import { strategicMergePatch } from './strategic-merge-patch.ts'

const pod = definition('io.k8s.api.core.v1.Pod')!
const deployment = definition('io.k8s.api.apps.v1.Deployment')!
const service = definition('io.k8s.api.core.v1.Service')!
const spec = (original: unknown, patch: unknown) =>
  (strategicMergePatch({ spec: original }, { spec: patch }, pod) as { spec: unknown }).spec
const refused = (original: unknown, patch: unknown, message: RegExp) => assert.throws(() => spec(original, patch), { code: 400, message })

test('lists merge by the key the schema names', () => {
  assert.deepEqual(
    spec(
      { containers: [{ name: 'a', image: 'x', env: [{ name: 'A', value: '1' }] }, { name: 'b' }] },
      { containers: [{ name: 'a', image: 'y', env: [{ name: 'B', value: '2' }] }] },
    ),
    {
      containers: [
        {
          name: 'a',
          image: 'y',
          env: [
            { name: 'B', value: '2' },
            { name: 'A', value: '1' },
          ],
        },
        { name: 'b' },
      ],
    },
  )
  assert.deepEqual(
    strategicMergePatch(
      { spec: { ports: [{ port: 80, name: 'a' }] } },
      { spec: { ports: [{ port: 80, targetPort: 8080 }, { port: 81 }] } },
      service,
    ),
    {
      spec: { ports: [{ port: 80, name: 'a', targetPort: 8080 }, { port: 81 }] },
    },
  )
})

test('lists without a merge key are replaced, scalars of merged lists are united', () => {
  assert.deepEqual(spec({ containers: [{ name: 'a', command: ['x', 'y'] }] }, { containers: [{ name: 'a', command: ['z'] }] }), {
    containers: [{ name: 'a', command: ['z'] }],
  })
  assert.deepEqual(strategicMergePatch({ metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['c', 'a'] } }, pod), {
    metadata: { finalizers: ['c', 'a', 'b'] },
  })
  assert.deepEqual(
    strategicMergePatch(
      { metadata: { finalizers: ['a', 'b', 'c'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['b', 'x'] } },
      pod,
    ),
    { metadata: { finalizers: ['a', 'c'] } },
  )
})

test('null removes; in what is new it only vanishes', () => {
  assert.deepEqual(strategicMergePatch({ metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { a: null, c: '3' } } }, pod), {
    metadata: { labels: { b: '2', c: '3' } },
  })
  assert.deepEqual(strategicMergePatch({}, { metadata: { labels: { a: null, b: '1' } } }, pod), { metadata: { labels: { b: '1' } } })
})

test('$patch: delete and replace, in lists and objects', () => {
  const original = { containers: [{ name: 'a' }, { name: 'b' }], nodeSelector: { x: 'y' } }
  assert.deepEqual(spec(original, { containers: [{ name: 'a', $patch: 'delete' }] }), {
    containers: [{ name: 'b' }],
    nodeSelector: { x: 'y' },
  })
  assert.deepEqual(spec(original, { containers: [{ $patch: 'replace' }, { name: 'c' }] }), {
    containers: [{ name: 'c' }],
    nodeSelector: { x: 'y' },
  })
  assert.deepEqual(spec(original, { nodeSelector: { $patch: 'replace', z: '1' } }), {
    containers: [{ name: 'a' }, { name: 'b' }],
    nodeSelector: { z: '1' },
  })
  assert.deepEqual(spec(original, { nodeSelector: { $patch: 'delete' } }), { containers: [{ name: 'a' }, { name: 'b' }], nodeSelector: {} })
  assert.deepEqual(spec({}, { containers: [{ name: 'a', $patch: 'delete' }, { name: 'b' }] }), { containers: [{ name: 'b' }] })
})

test('$retainKeys drops the other fields of a union', () => {
  const original = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }
  assert.deepEqual(strategicMergePatch(original, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, deployment), {
    spec: { strategy: { type: 'Recreate' } },
  })
  assert.throws(() => strategicMergePatch(original, { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: {} } } }, deployment), {
    message: /retainKeys/,
  })
})

test('$setElementOrder orders; what only the server knows keeps its place', () => {
  const original = { containers: [{ name: 'a' }, { name: 'server' }, { name: 'b' }] }
  assert.deepEqual(spec(original, { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }), {
    containers: [{ name: 'server' }, { name: 'b' }, { name: 'a' }],
  })
  assert.deepEqual(
    spec(original, { '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'b', image: 'x' }] }),
    {
      containers: [{ name: 'a' }, { name: 'server' }, { name: 'b', image: 'x' }],
    },
  )
  assert.deepEqual(
    spec(
      { containers: [{ name: 'a' }] },
      { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'zzz', $patch: 'delete' }] },
    ),
    { containers: [{ name: 'a' }] },
  )
})

test('patches that contradict the schema or themselves', () => {
  refused({ containers: [{ name: 'a' }] }, { containers: [{ image: 'x' }] }, /does not contain declared merge key: name/)
  refused({ containers: [{ name: 'a' }] }, { containers: [{ name: 'a', $patch: 'burn' }] }, /unknown patch type/)
  refused({ nodeSelector: { a: 'b' } }, { nodeSelector: { $patch: 'merge' } }, /unknown patch type/)
  refused(
    { containers: [{ name: 'a' }] },
    { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b' }] },
    /doesn't match \$setElementOrder/,
  )
  refused({ containers: [{ name: 'a' }] }, { containers: [[]] }, /lists of lists/)
  refused({ containers: [{ name: 'a' }] }, { containers: ['a'] }, /expected an object/)
  assert.throws(() => strategicMergePatch({}, [], pod), { code: 400 })
})

test('neither argument is touched, and keys are only keys', () => {
  const original = Object.freeze({ metadata: Object.freeze({ labels: Object.freeze({ a: '1' }) }) })
  const patch = Object.freeze({ metadata: Object.freeze({ labels: Object.freeze(JSON.parse('{"__proto__":"x","toString":"y"}')) }) })
  const result = strategicMergePatch(original, patch, pod) as { metadata: { labels: object } }
  assert.equal(JSON.stringify(result.metadata.labels), '{"a":"1","__proto__":"x","toString":"y"}')
})
