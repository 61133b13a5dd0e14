import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { kubeconfigText } from '../apiserver/certificates/kubeconfig-text.ts'
import { credentialsOf, withServers } from './cluster-connection.ts'

const servers = ['https://apiserver-1:6443', 'https://apiserver-2:6443']
const given = kubeconfigText({ servers, authority: 'CA' }, { name: 'admin', pair: { certificate: 'C'.repeat(3_000), key: 'K' } })

test('a kubeconfig for this machine leads to addresses that it reaches, and to no others', () => {
  const written = withServers(given, [
    { name: 'coxswain', url: 'https://127.0.0.1:6443' },
    { name: 'apiserver-2', url: 'https://127.0.0.1:6445' },
  ])
  assert.deepEqual(credentialsOf(written), { ...credentialsOf(given), server: 'https://127.0.0.1:6443' })
  assert.doesNotMatch(written, /apiserver-\d:6443/)
  const { contexts, clusters, 'current-context': current } = parse(written)
  assert.equal(current, 'coxswain')
  assert.deepEqual(contexts[1], { name: 'apiserver-2', context: { cluster: 'apiserver-2', user: 'admin' } })
  assert.equal(clusters[1].cluster.server, 'https://127.0.0.1:6445')
})
