import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { startCluster } from '../harness/cluster.ts'
import { startSimulatedCluster } from '../harness/simulated-cluster.ts'
import { pod } from '../harness/workloads.ts'

const HOUR = 3_600_000

test('every namespace has its account and the CA, and gets them back', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 0, scheduler: false })
  const { client } = cluster
  await client.create('v1', 'Namespace', { metadata: { name: 'x' } })
  const account = () => cluster.find('v1', 'ServiceAccount', 'default', 'x')
  const certificate = () => cluster.find('v1', 'ConfigMap', 'kube-root-ca.crt', 'x')
  await cluster.until('both', async () => (await account()) && (await certificate()))
  const published = (await certificate())?.data?.['ca.crt']
  assert.equal(published, cluster.api.credentials.authority)

  await client.delete('v1', 'ServiceAccount', { namespace: 'x', name: 'default' })
  await client.delete('v1', 'ConfigMap', { namespace: 'x', name: 'kube-root-ca.crt' })
  await cluster.until('both again', async () => (await account()) && (await certificate()))
  const forged = { type: 'merge' as const, body: { data: { 'ca.crt': 'forged', more: 'x' } } }
  await client.patch('v1', 'ConfigMap', { namespace: 'x', name: 'kube-root-ca.crt' }, forged)
  await cluster.until('repaired', async () => Object.values((await certificate())?.data ?? {}).join() === published)
})

test('certificate requests are cleaned away: answered ones after an hour, the rest after a day', async (context) => {
  const cluster = await startSimulatedCluster(context, {
    nodes: 0,
    scheduler: false,
    controllers: ['csrcleaner', 'csrapproving', 'csrsigning'],
  })
  const ask = async (name: string, commonName: string, organizations: string[]) => {
    const { request } = await createKeyAndRequest({ commonName, organizations })
    const signerName = 'kubernetes.io/kube-apiserver-client-kubelet'
    const spec = { request: Buffer.from(request).toString('base64'), signerName, usages: ['client auth', 'digital signature'] }
    const caller = { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] }
    await cluster.clientOf(caller).create('certificates.k8s.io/v1', 'CertificateSigningRequest', { metadata: { name }, spec })
  }
  const left = async () => (await cluster.list('certificates.k8s.io/v1', 'CertificateSigningRequest')).map(({ metadata }) => metadata.name)
  await ask('node', 'system:node:a', ['system:nodes'])
  await ask('foreign', 'kubernetes-admin', ['system:masters'])
  await cluster.clock.advance(1_000)
  const foreign = await cluster.get('certificates.k8s.io/v1', 'CertificateSigningRequest', 'foreign')
  assert.deepEqual([foreign.status.conditions, foreign.status.certificate], [undefined, undefined], 'left to a person')
  await cluster.clock.advance(HOUR)
  assert.deepEqual(await left(), ['foreign'])
  await cluster.clock.advance(22 * HOUR)
  assert.deepEqual(await left(), ['foreign'])
  await cluster.clock.advance(HOUR)
  assert.deepEqual(await left(), [])
})

test('a Pod where nobody makes accounts is refused after a moment, and not kept waiting', async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  let answer: unknown = 'it waits'
  void cluster.client.create('v1', 'Pod', pod('web')).then(
    () => (answer = 'it was made'),
    (error: unknown) => (answer = error),
  )
  await cluster.clock.advance(2_000)
  assert.ok(answer instanceof StatusError, String(answer))
  assert.equal(answer.code, 403)
  assert.equal(
    answer.message,
    'pods "web" is forbidden: error looking up service account default/default: serviceaccount "default" not found',
  )
})
