import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyOf, parseKey, prefixOf, resourcePrefix } from './keys.ts'

describe('keys', () => {
  const cases = [
    { object: { group: '', resource: 'pods', namespace: 'default', name: 'web-1' }, key: 'core/pods/default/web-1', bucket: 'core/pods/' },
    { object: { group: '', resource: 'nodes', name: 'node-1' }, key: 'core/nodes/node-1', bucket: 'core/nodes/' },
    {
      object: { group: 'apps', resource: 'deployments', namespace: 'a', name: 'web' },
      key: 'apps/deployments/a/web',
      bucket: 'apps/deployments/',
    },
    {
      object: { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', name: 'system:node' },
      key: 'rbac.authorization.k8s.io/clusterroles/system:node',
      bucket: 'rbac.authorization.k8s.io/clusterroles/',
    },
  ]
  for (const { object, key, bucket } of cases) {
    it(`${key} is the key of its object, and back`, () => {
      assert.equal(keyOf(object), key)
      assert.deepEqual(parseKey(key), object)
      assert.equal(resourcePrefix(key), bucket)
      assert.ok(key.startsWith(prefixOf(object.group, object.resource, object.namespace)))
    })
  }

  it('has prefixes that end at a segment', () => {
    assert.equal(prefixOf('', 'pods'), 'core/pods/')
    assert.equal(prefixOf('', 'pods', 'a'), 'core/pods/a/')
  })

  it('refuses names that would reach into another place', () => {
    for (const name of ['', '../x', 'a/b', '/'])
      assert.throws(() => keyOf({ group: '', resource: 'pods', namespace: 'a', name }), TypeError, name)
    assert.throws(() => prefixOf('', 'pods', ''), TypeError)
    assert.throws(() => prefixOf('', 'pods/a'), TypeError)
  })

  it('refuses text that is no key', () => {
    for (const key of ['', 'core', 'core/pods', 'core/pods/', 'core//x', '/pods/x', 'a/b/c/d/e'])
      assert.throws(() => parseKey(key), TypeError, key)
    for (const key of ['', 'core', 'core/pods', 'core/pods/', '//x']) assert.throws(() => resourcePrefix(key), TypeError, key)
  })
})
