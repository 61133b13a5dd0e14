import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import type { Client } from '../../shared/client/client.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import { startCluster } from '../../simulation/cluster.ts'

const bootstrapper = {
  name: 'system:bootstrap:abcdef',
  groups: ['system:bootstrappers', 'system:bootstrappers:coxswain', 'system:authenticated'],
}
const node = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })
const clientUsages = ['key encipherment', 'digital signature', 'client auth']
const servingUsages = ['key encipherment', 'digital signature', 'server auth']

async function ask(
  client: Client,
  name: string,
  signerName: string,
  usages: string[],
  request: string,
): Promise<CertificateSigningRequest> {
  return client.create('certificates.k8s.io/v1', 'CertificateSigningRequest', {
    metadata: { name },
    spec: { request: Buffer.from(request).toString('base64'), signerName, usages },
  })
}

const kubeletRequest = async (name: string) =>
  (await createKeyAndRequest({ commonName: `system:node:${name}`, organizations: ['system:nodes'] })).request

test('joining nodes get their certificate, and renew it themselves; others get none', async (t) => {
  const cluster = await startCluster({ controllers: ['csrapproving', 'csrsigning'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  const signer = 'kubernetes.io/kube-apiserver-client-kubelet'
  await ask(cluster.clientOf(bootstrapper), 'join', signer, clientUsages, await kubeletRequest('node-1'))
  await ask(cluster.clientOf(node('node-1')), 'renew', signer, clientUsages, await kubeletRequest('node-1'))
  await ask(cluster.clientOf(node('node-1')), 'steal', signer, clientUsages, await kubeletRequest('node-2'))
  const addresses = { dnsNames: ['node-1'], ipAddresses: ['10.0.0.5'] }
  const serving = (await createKeyAndRequest({ commonName: 'system:node:node-1', organizations: ['system:nodes'] }, addresses)).request
  await client.create('v1', 'Node', { metadata: { name: 'node-1' } })
  const registered = await client.get('v1', 'Node', { name: 'node-1' })
  const nodeAddresses = [
    { type: 'Hostname', address: 'node-1' },
    { type: 'InternalIP', address: '10.0.0.5' },
  ]
  await client.updateStatus('v1', 'Node', { ...registered, status: { ...registered.status, addresses: nodeAddresses } })
  await ask(cluster.clientOf(node('node-1')), 'serve', 'kubernetes.io/kubelet-serving', servingUsages, serving)
  await clock.advance(5_000)
  const result = async (name: string) => (await client.get('certificates.k8s.io/v1', 'CertificateSigningRequest', { name })).status
  for (const name of ['join', 'renew']) {
    const { certificate, conditions } = await result(name)
    assert.equal(conditions?.[0]?.type, 'Approved', name)
    const issued = new X509Certificate(Buffer.from(certificate ?? '', 'base64'))
    assert.match(issued.subject, /CN=system:node:node-1/)
    assert.ok(issued.verify(new X509Certificate(cluster.api.credentials.authority).publicKey), 'signed by the cluster')
    assert.deepEqual(issued.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  }
  const served = new X509Certificate(Buffer.from((await result('serve')).certificate ?? '', 'base64'))
  assert.equal(served.subjectAltName, 'DNS:node-1, IP Address:10.0.0.5')
  assert.equal((await result('steal')).certificate, undefined)
})

test('a request for another signer, or with other usages, waits for a person', async (t) => {
  const cluster = await startCluster({ controllers: ['csrapproving', 'csrsigning'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  const alice = (await createKeyAndRequest({ commonName: 'alice', organizations: [] })).request
  await ask(client, 'alice', 'kubernetes.io/kube-apiserver-client', ['client auth'], alice)
  const strange = 'kubernetes.io/kube-apiserver-client-kubelet'
  await ask(cluster.clientOf(bootstrapper), 'odd', strange, [...clientUsages, 'server auth'], await kubeletRequest('node-1')).catch(
    () => undefined,
  )
  await clock.advance(5_000)
  const alices = await client.get('certificates.k8s.io/v1', 'CertificateSigningRequest', { name: 'alice' })
  assert.equal(alices.status.conditions, undefined)
  const approval = { type: 'Approved', status: 'True', reason: 'ByHand', message: 'a person looked' }
  await client.request('PUT', '/apis/certificates.k8s.io/v1/certificatesigningrequests/alice/approval', {
    body: { ...alices, status: { ...alices.status, conditions: [approval] } },
  })
  await clock.advance(5_000)
  const signed = await client.get('certificates.k8s.io/v1', 'CertificateSigningRequest', { name: 'alice' })
  assert.match(new X509Certificate(Buffer.from(signed.status.certificate ?? '', 'base64')).subject, /CN=alice/)
})
