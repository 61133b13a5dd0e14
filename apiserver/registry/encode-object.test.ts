import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import { encodeObject, restamp } from './encode-object.ts'

const object = (metadata: object, more: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...more })

test('the revision goes into metadata, wherever else the words occur', () => {
  const tricky = {
    name: 'a',
    generateName: '"resourceVersion":"7"',
    labels: { resourceVersion: 'x' },
    annotations: { '"resourceVersion":"': '"resourceVersion":"' },
  }
  const bytes = encodeObject(object(tricky, { data: { resourceVersion: '9' }, involvedObject: { resourceVersion: '8' } }))(42)
  const decoded = JSON.parse(bytes.toString()) as KubeObject
  assert.equal(decoded.metadata.resourceVersion, '42')
  assert.deepEqual(decoded.metadata.annotations, tricky.annotations)
  assert.equal(decoded.metadata.generateName, tricky.generateName)
})

test('kind, apiVersion and metadata come first, as upstream writes them', () => {
  const text = encodeObject({ metadata: { uid: 'u', name: 'a' }, apiVersion: 'v1', kind: 'Pod' })(1).toString()
  assert.equal(text, '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","uid":"u","resourceVersion":"1"}}')
})

test('restamping changes the revision and nothing else', () => {
  const bytes = encodeObject(object({ name: 'ä', labels: { a: 'b' } }, { data: { x: '"resourceVersion":"1"' } }))(9)
  const later = restamp(bytes, 10_000)
  assert.deepEqual(later, encodeObject(object({ name: 'ä', labels: { a: 'b' } }, { data: { x: '"resourceVersion":"1"' } }))(10_000))
})
