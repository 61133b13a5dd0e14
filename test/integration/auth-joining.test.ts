import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'

const API = 'certificates.k8s.io/v1'
const joiner = { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] }
const node = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

interface Wish {
  readonly by: typeof joiner
  readonly signerName: string
  readonly commonName?: string
  readonly organizations?: string[]
  readonly usages?: string[]
  readonly ipAddresses?: string[]
}

/** Asks, lets the controllers work, and answers the request as it then is. */
async function ask(cluster: InProcessCluster, wish: Wish) {
  const {
    commonName = 'system:node:a',
    organizations = ['system:nodes'],
    usages = ['client auth', 'digital signature'],
    ipAddresses = [],
  } = wish
  const { key, request } = await createKeyAndRequest({ commonName, organizations }, { dnsNames: [], ipAddresses })
  const client = cluster.clientOf(wish.by)
  const spec = { signerName: wish.signerName, usages, request: Buffer.from(request).toString('base64') }
  const creating = client.create(API, 'CertificateSigningRequest', { metadata: { generateName: 'csr-' }, spec })
  creating.catch(() => {}) // told below
  await cluster.clock.settle()
  const { metadata } = await creating
  for (let step = 0; step < 20; step++) await cluster.clock.advance(500)
  const reading = cluster.client.get(API, 'CertificateSigningRequest', { name: metadata.name ?? '' })
  await cluster.clock.settle()
  return { key, request: await reading }
}

async function clusterWithSigner(t: TestContext) {
  const cluster = await startCluster({ controllers: ['csrapproving', 'csrsigning'] })
  t.after(() => cluster.stop())
  return cluster
}

describe('joining by certificate request', () => {
  it('ends with a certificate that the API server takes for the node', async (t) => {
    const cluster = await clusterWithSigner(t)
    const { request } = await ask(cluster, { by: joiner, signerName: 'kubernetes.io/kube-apiserver-client-kubelet' })
    const certificate = Buffer.from(request.status.certificate ?? '', 'base64').toString()
    const { subject, x509, notAfter } = readCertificate(certificate)
    assert.deepEqual(subject, { commonName: 'system:node:a', organizations: ['system:nodes'] })
    const authority = readCertificate(cluster.api.credentials.authority)
    assert.ok(x509.verify(authority.x509.publicKey) && x509.checkIssued(authority.x509))
    assert.deepEqual(x509.keyUsage, ['1.3.6.1.5.5.7.3.2'])
    assert.ok(notAfter <= authority.notAfter)
  })

  it('renews the certificate of the node itself, and gives it one to serve with', async (t) => {
    const cluster = await clusterWithSigner(t)
    const registering = cluster.client.create('v1', 'Node', {
      metadata: { name: 'a' },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.5' }] },
    })
    await cluster.clock.settle()
    await registering
    const renewed = await ask(cluster, { by: node, signerName: 'kubernetes.io/kube-apiserver-client-kubelet' })
    assert.ok(renewed.request.status.certificate)
    const serving = { by: node, signerName: 'kubernetes.io/kubelet-serving', usages: ['server auth', 'digital signature'] }
    assert.ok((await ask(cluster, { ...serving, ipAddresses: ['192.0.2.5'] })).request.status.certificate)
    assert.equal((await ask(cluster, { ...serving, ipAddresses: ['192.0.2.6'] })).request.status.certificate, undefined, 'not its address')
    await assert.rejects(ask(cluster, { ...serving, ipAddresses: ['10.96.0.1'] }), /no node serves as 10\.96\.0\.1/)
  })

  const others: [string, Wish][] = [
    ['one node for another', { by: node, commonName: 'system:node:b', signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }],
    [
      'somebody who is not joining',
      { by: { name: 'jane', groups: ['system:authenticated', 'dev'] }, signerName: 'kubernetes.io/kube-apiserver-client-kubelet' },
    ],
    [
      'a joiner who wants to be more',
      { by: joiner, organizations: ['system:nodes', 'admins'], signerName: 'kubernetes.io/kube-apiserver-client-kubelet' },
    ],
    ['a joiner as somebody', { by: joiner, commonName: 'jane', organizations: [], signerName: 'kubernetes.io/kube-apiserver-client' }],
    [
      'a joiner who wants to serve',
      { by: joiner, signerName: 'kubernetes.io/kubelet-serving', usages: ['server auth'], ipAddresses: ['192.0.2.5'] },
    ],
  ]
  for (const [who, wish] of others) {
    it(`waits for a person when it is ${who}`, async (t) => {
      const cluster = await clusterWithSigner(t)
      if (wish.by.name === 'jane') {
        const rule = { verbs: ['create'], apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests'] }
        const roles = 'rbac.authorization.k8s.io/v1'
        const granting = cluster.client.create(roles, 'ClusterRole', { metadata: { name: 'asks' }, rules: [rule] })
        const binding = cluster.client.create(roles, 'ClusterRoleBinding', {
          metadata: { name: 'asks' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'asks' },
          subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
        })
        await cluster.clock.settle()
        await Promise.all([granting, binding])
      }
      const { request } = await ask(cluster, wish)
      assert.equal(request.status.certificate, undefined)
      assert.deepEqual(request.status.conditions ?? [], [])
    })
  }
})
