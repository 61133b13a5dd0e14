import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { etcdClient } from '../../apiserver/storage/etcd/etcd-link.ts'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import { requestToken } from '../../shared/client/request-token.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type Answer, startApi } from '../harness/api.ts'
import { type ApiServerProcess, apiServerProcess } from '../harness/apiserver-process.ts'
import { configMap } from '../harness/bodies.ts'
import { serverPapers } from '../harness/hook-server.ts'
import { type EtcdFiles, type PrivateEtcd, privateEtcd, tlsOf } from '../harness/private-etcd.ts'
import { soon } from '../harness/soon.ts'
import { tcpGate } from '../harness/tcp-gate.ts'

const folder = mkdtempSync(join(tmpdir(), 'etcd-files-'))
let etcd: PrivateEtcd
let files: EtcdFiles
let strangers: EtcdFiles

async function filesOf(name: string): Promise<EtcdFiles> {
  const { authority, cert, key } = await serverPapers({ ip: ['127.0.0.1'] }, ['serverAuth', 'clientAuth'])
  const file = (ending: string, text: string) => {
    const path = join(folder, `${name}.${ending}`)
    writeFileSync(path, text)
    return path
  }
  return { authority: file('ca', authority), certificate: file('crt', cert), key: file('key', key) }
}

before(async () => {
  files = await filesOf('ours')
  strangers = await filesOf('strangers')
  etcd = await privateEtcd({ files })
})
after(async () => {
  await etcd?.dispose()
  rmSync(folder, { recursive: true })
})

const flags = ({ authority, certificate, key } = files) => [
  `--etcd-servers=${etcd.endpoints.join()}`,
  ...[`--etcd-cafile=${authority}`, `--etcd-certfile=${certificate}`, `--etcd-keyfile=${key}`],
]

async function serverOver(t: { after: (action: () => Promise<void>) => void }): Promise<ApiServerProcess> {
  const server = await apiServerProcess()
  t.after(() => server.remove())
  return server
}

const named = (name: string) => ({ metadata: { namespace: 'default', name } })

test('objects live in etcd: they and the watches on them outlive a server that is killed', async (t) => {
  const server = await serverOver(t)
  await server.start(flags())
  const { client, close } = connectClient({ kubeconfig: server.kubeconfig, clock: realClock(), userAgent: 'etcd test' })
  t.after(close)
  const first = await client.create('v1', 'ConfigMap', { ...named('first'), data: { n: '1' } })
  const second = await client.create('v1', 'ConfigMap', { ...named('second'), data: { n: '2' } })
  assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion))
  await server.kill('SIGKILL')
  await server.start(flags())

  assert.deepEqual(await client.get('v1', 'ConfigMap', { namespace: 'default', name: 'first' }), first)
  await client.update('v1', 'ConfigMap', { ...first, data: { n: '3' } })
  await assert.rejects(client.update('v1', 'ConfigMap', first), (error) => hasReason(error, 'Conflict'))
  await client.delete('v1', 'ConfigMap', { namespace: 'default', name: 'second' })
  const seen: string[] = []
  const resourceVersion = first.metadata.resourceVersion
  for await (const { type, object } of client.watch('v1', 'ConfigMap', { namespace: 'default', resourceVersion })) {
    if (!['first', 'second'].includes(object.metadata.name ?? '')) continue
    seen.push(`${type} ${object.metadata.name} ${object.data?.['n']}`)
    if (type === 'DELETED') break
  }
  assert.deepEqual(seen, ['ADDED second 2', 'MODIFIED first 3', 'DELETED second 2'])

  const old = await client.list('v1', 'ConfigMap', {
    namespace: 'default',
    resourceVersion: second.metadata.resourceVersion,
    resourceVersionMatch: 'Exact',
  })
  assert.deepEqual(
    old.items.filter(({ data }) => data?.['n']).map(({ metadata, data }) => `${metadata.name} ${data?.['n']}`),
    ['first 1', 'second 2'],
  )
})

test('a server of another cluster, and one that etcd does not know, are refused in one sentence', async (t) => {
  const other = await serverOver(t)
  await assert.rejects(
    other.start(flags()),
    /the store at \/coxswain in etcd belongs to another cluster .*; give this server the pki folder of that cluster/,
  )
  await assert.rejects(other.start(flags(strangers)), /no member of etcd answers at https:\/\/127\.0\.0\.1:\d+: .*--etcd-cafile/)
  await assert.rejects(other.start(['--etcd-servers=10.0.0.1']), /--etcd-servers: .*10\.0\.0\.1.* is no member such as/)
  await other.start([...flags(), '--etcd-prefix=/other'])
})

test('while etcd is away writes are refused with 503, and when it is back they are taken', async (t) => {
  const api = await startApi({ args: [...flags(), '--etcd-prefix=/away'] }, t)
  const MAPS = '/api/v1/namespaces/default/configmaps'
  const create = (name: string) => api.request('POST', MAPS, configMap(name))
  assert.equal((await create('before')).status, 201)
  await etcd.members[0]!.kill()
  const unavailable = async (answer: Promise<Answer>) => {
    const { status, json } = await answer
    assert.deepEqual([status, json['reason']], [503, 'ServiceUnavailable'])
    assert.match(String(json['message']), /etcd/)
  }
  await unavailable(create('meanwhile'))
  await unavailable(api.request('GET', `${MAPS}/before`))
  await unavailable(api.request('PATCH', `${MAPS}/none`, {}, { 'content-type': 'application/merge-patch+json' }))
  const listed = await api.request('GET', `${MAPS}?resourceVersion=0`)
  assert.match(listed.text, /"before"/, 'what need not be new is answered from memory')
  const watched = (query: string) => api.request('GET', `${MAPS}?watch=1&timeoutSeconds=1${query}`)
  assert.match((await watched('&resourceVersion=0')).text, /"ADDED".*"before"/, 'and watched from there')
  await unavailable(watched(''))
  etcd.members[0]!.start()
  await etcd.ready()
  await soon(async () => assert.equal((await create('after')).status, 201))
})

test('what others write to the same etcd keeps nobody waiting for a refusal', async (t) => {
  const api = await startApi({ args: [...flags(), '--etcd-prefix=/beside'] }, t)
  const bare = etcdClient(etcd.endpoints[0]!, realClock(), tlsOf(files))
  t.after(() => bare.close())
  const put = { requestPut: { key: Buffer.from('/elsewhere'), value: Buffer.from('x') } }
  for (let round = 0; round < 3; round++) {
    await bare.call('Txn', { compare: [], success: [put], failure: [] })
    assert.equal((await api.request('GET', '/api/v1/namespaces/default')).status, 200, 'the barrier has come to what others wrote')
    const answer = api.request('GET', '/api/v1/secrets', undefined, { 'impersonate-user': 'nobody' })
    assert.equal((await Promise.race([answer, realClock().sleep(5_000)]))?.status, 403)
  }
})

test('what went while the server was cut off, and etcd has forgotten since, is gone for its indexes too', async (t) => {
  const gate = await tcpGate(Number(new URL(etcd.endpoints[0]!).port))
  t.after(() => gate.close())
  const api = await startApi({ args: [...flags(), `--etcd-servers=https://127.0.0.1:${gate.port}`, '--etcd-prefix=/cut'] }, t)
  const SERVICES = '/api/v1/namespaces/default/services'
  const service = (name: string) => ({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
    spec: { ports: [{ port: 80 }], clusterIP: '10.96.0.77' },
  })
  assert.equal((await api.request('POST', SERVICES, service('first'))).status, 201)
  assert.equal((await api.request('POST', SERVICES, service('second'))).status, 422, 'the address is taken')
  gate.shut()
  const bare = etcdClient(etcd.endpoints[0]!, realClock(), tlsOf(files))
  t.after(() => bare.close())
  const gone = ['core/services/default/first', 'networking.k8s.io/ipaddresses/10.96.0.77']
  const success = gone.map((key) => ({ requestDeleteRange: { key: Buffer.from(`/cut/objects/${key}`) } }))
  const { header } = await bare.call('Txn', { compare: [], success, failure: [] })
  await bare.call('Compact', { revision: header.revision })
  gate.open()
  await soon(async () => {
    const { status, text } = await api.request('POST', SERVICES, service('second'))
    assert.equal(status, 201, text)
  })
})

test('two servers that start at once, for the first time, are one cluster', async (t) => {
  const shared = ['--etcd-prefix=/two', `--pki-dir=${join(folder, 'pki')}`]
  const [one, other] = [await serverOver(t), await serverOver(t)]
  await Promise.all([one, other].map((server) => server.start([...flags(), ...shared])))
  const connected = [one, other].map(({ kubeconfig }) => connectClient({ kubeconfig, clock: realClock(), userAgent: 'etcd test' }))
  t.after(() => connected.forEach(({ close }) => void close()))
  const [here, there] = connected.map(({ client }) => client) as [Client, Client]

  // What one has acknowledged the other answers at once, and refuses at once.
  for (let round = 0; round < 20; round++) {
    const wanted = named(`round-${round}`)
    const made = await here.create('v1', 'ConfigMap', wanted)
    assert.deepEqual(await there.get('v1', 'ConfigMap', wanted.metadata), made)
    await assert.rejects(there.create('v1', 'ConfigMap', wanted), (error) => hasReason(error, 'AlreadyExists'))
  }
  // One has signed the token, the other knows whose it is, until its account is gone.
  await here.create('v1', 'ServiceAccount', named('robot'))
  const { token } = await requestToken(here, { namespace: 'default', name: 'robot' }, {})
  const isKnown = async () =>
    (await there.create('authentication.k8s.io/v1', 'TokenReview', { metadata: {}, spec: { token } })).status?.authenticated ?? false
  assert.equal(await isKnown(), true)
  await here.delete('v1', 'ServiceAccount', { namespace: 'default', name: 'robot' })
  await soon(async () => assert.equal(await isKnown(), false))
  // A watch goes on at the other server where the first one broke off.
  const { metadata } = await here.create('v1', 'ConfigMap', named('before'))
  await there.create('v1', 'ConfigMap', named('after'))
  await one.kill('SIGKILL')
  for await (const { object } of there.watch('v1', 'ConfigMap', { namespace: 'default', resourceVersion: metadata.resourceVersion })) {
    assert.equal(object.metadata.name, 'after')
    break
  }
})
