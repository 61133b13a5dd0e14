import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podSelectorOf, referencesOf } from './references.ts'

const metadata = { namespace: 'default', name: 'web' }

test('pods are chosen by labels in both forms; a claim chooses volumes, and expressions are not said by labels', () => {
  const selector = { app: 'web', tier: 'front' }
  for (const kind of ['Service', 'ReplicationController']) {
    assert.equal(podSelectorOf({ kind, metadata, spec: { selector } }), 'app=web,tier=front')
  }
  const chosen = (kind: string, more = {}) => podSelectorOf({ kind, metadata, spec: { selector: { matchLabels: selector, ...more } } })
  assert.equal(chosen('Deployment'), 'app=web,tier=front')
  assert.equal(chosen('Deployment', { matchExpressions: [{ key: 'old', operator: 'DoesNotExist' }] }), '')
  assert.equal(chosen('PersistentVolumeClaim'), '')
  assert.equal(podSelectorOf({ kind: 'ConfigMap', metadata }), '')
})

test('what a pod names, each once, in the order in which it stands there', () => {
  const volumes = [
    { secret: { secretName: 'keys' } },
    { projected: { sources: [{ secret: { name: 'more' } }, { configMap: { name: 'some' } }] } },
  ]
  const containers = [{ envFrom: [{ secretRef: { name: 'keys' } }] }]
  const names = referencesOf({ kind: 'Pod', metadata, spec: { volumes, containers, nodeName: 'node-1' } })
  assert.deepEqual(
    names.map(({ resource, name }) => `${resource}/${name}`),
    ['secrets/keys', 'secrets/more', 'configmaps/some', 'nodes/node-1'],
  )
})
