import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestReader } from '../../test/harness/object-reader.ts'
import { ingressAuthorizer } from './ingress.ts'

const API = 'networking.k8s.io/v1'

test('of Secrets, ingress reads those that an Ingress of their namespace names for TLS, by name, while it does', () => {
  const reader = new TestReader()
  const { authorize } = ingressAuthorizer(reader)
  const put = (name: string, ...secrets: string[]) =>
    reader.put(API, 'Ingress', { metadata: { name, namespace: 'shop' }, spec: { tls: secrets.map((secretName) => ({ secretName })) } })
  const may = (changes: object = {}) =>
    authorize({
      ...{ user: { name: 'coxswain:ingress', groups: ['system:authenticated'] }, verb: 'watch', group: '', version: 'v1' },
      ...{ resource: 'secrets', subresource: '', namespace: 'shop', name: 'web-tls' },
      ...changes,
    }).decision === 'allow'
  assert.equal(may(), false)
  put('web', 'web-tls', 'web-tls', 'other')
  for (const verb of ['get', 'list', 'watch']) assert.equal(may({ verb }), true, verb)
  for (const verb of ['update', 'delete', 'create', 'deletecollection']) assert.equal(may({ verb }), false, verb)
  for (const changes of [
    ...[{ name: '' }, { namespace: '' }, { namespace: 'default' }, { name: 'db' }, { resource: 'configmaps' }],
    ...[{ subresource: 'status' }, { path: '/' }, { user: { name: 'jane', groups: [] } }],
  ]) {
    assert.equal(may(changes), false, JSON.stringify(changes))
  }
  put('second', 'web-tls')
  put('web')
  assert.equal(may(), true, 'the other one still names it')
  reader.remove(API, 'Ingress', 'shop/second')
  assert.equal(may(), false)
})
