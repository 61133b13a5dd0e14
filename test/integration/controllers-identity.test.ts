import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
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

test('Secrets for the token of an account are filled, good while both live, and gone with the account', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 0, scheduler: false, controllers: ['serviceaccount-token'] })
  const { client } = cluster
  const secretFor = (name: string, account: string) => ({
    metadata: { name, annotations: { 'kubernetes.io/service-account.name': account } },
    type: 'kubernetes.io/service-account-token',
  })
  const find = (name: string) => cluster.find('v1', 'Secret', name)
  const decoded = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString()
  const review = async (token: string) =>
    (await client.create('authentication.k8s.io/v1', 'TokenReview', { metadata: {}, spec: { token } })).status
  await client.create('v1', 'ServiceAccount', { metadata: { name: 'robot' } }, { namespace: 'default' })
  for (const name of ['first', 'second']) await client.create('v1', 'Secret', secretFor(name, 'robot'), { namespace: 'default' })
  await client.create('v1', 'Secret', secretFor('orphan', 'nobody'), { namespace: 'default' })

  const tokenIn = async (name: string) => decoded((await find(name))?.data?.['token'])
  await cluster.until('both are filled', async () => (await tokenIn('first')) && (await tokenIn('second')))
  await cluster.until('one without an account is taken away', async () => !(await find('orphan')))
  const filled = await find('first')
  const account = await cluster.get('v1', 'ServiceAccount', 'robot')
  assert.equal(decoded(filled?.data?.['ca.crt']), cluster.api.credentials.authority)
  assert.equal(decoded(filled?.data?.['namespace']), 'default')
  assert.equal(filled?.metadata.annotations?.['kubernetes.io/service-account.uid'], account.metadata.uid)
  const [first, second] = [await tokenIn('first'), await tokenIn('second')]
  assert.equal((await review(first)).user?.username, 'system:serviceaccount:default:robot')
  await cluster.clock.advance(2 * HOUR)
  assert.equal((await review(second)).authenticated, true, 'such a token does not end by itself')

  const forged = { type: 'merge' as const, body: { data: { 'ca.crt': 'Zm9yZ2Vk' } } }
  await client.patch('v1', 'Secret', { namespace: 'default', name: 'first' }, forged)
  await cluster.until('repaired', async () => decoded((await find('first'))?.data?.['ca.crt']) === cluster.api.credentials.authority)
  assert.equal(await tokenIn('first'), first)

  await client.delete('v1', 'Secret', { namespace: 'default', name: 'first' })
  assert.equal((await review(first)).authenticated ?? false, false, 'bound to its Secret')
  assert.equal((await review(second)).authenticated, true)
  await client.delete('v1', 'ServiceAccount', { namespace: 'default', name: 'robot' })
  await cluster.until('gone with its account', async () => !(await find('second')))
  assert.equal((await review(second)).authenticated ?? false, false)
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
