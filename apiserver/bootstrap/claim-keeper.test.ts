import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { realClock } from '../../shared/time/clock.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { type PrivateEtcd, privateEtcd } from '../../test/harness/private-etcd.ts'
import { serversOverEtcd } from '../../test/harness/servers-over-etcd.ts'
import { soon } from '../../test/harness/soon.ts'
import { etcdClient } from '../storage/etcd/etcd-link.ts'
import type { KeyRange } from '../storage/etcd/etcd-messages.ts'

let etcd: PrivateEtcd
before(async () => {
  etcd = await privateEtcd()
})
after(() => etcd?.dispose())

const service = (name: string) => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: {
    type: 'NodePort',
    clusterIP: `10.96.0.${name === 'web' ? 77 : 78}`,
    ports: [{ port: 80, nodePort: name === 'web' ? 30_077 : 30_078 }],
  },
})
const SERVICES = '/api/v1/namespaces/default/services'
const [CLAIM, ADDRESS, STRAY] = ['node-ports/TCP-30077', 'cluster-ips/10.96.0.77', 'node-ports/TCP-30099']

test('claims that are missing are given, and strays taken away: at the start, and a minute later', async (t) => {
  const clock = manualClock()
  const { servers, prefix, add } = await serversOverEtcd(t, etcd, 1)
  const bare = etcdClient(etcd.endpoints[0]!, realClock())
  t.after(() => bare.close())
  const key = (claim: string) => Buffer.from(`${prefix}/claims/${claim}`)
  const holders = async () => {
    const all: KeyRange = { key: Buffer.from(`${prefix}/claims/`), rangeEnd: Buffer.from(`${prefix}/claims0`) }
    const { kvs } = await bare.call('Range', all)
    return new Map(kvs.map((each) => [each.key.toString().slice(`${prefix}/claims/`.length), each.value.toString()]))
  }
  const spoil = async () => {
    const gone = [CLAIM, ADDRESS].map((claim) => ({ requestDeleteRange: { key: key(claim) } }))
    const stray = { requestPut: { key: key(STRAY), value: Buffer.from('core/services/default/nobody') } }
    await bare.call('Txn', { compare: [], success: [...gone, stray], failure: [] })
    assert.equal((await holders()).has(CLAIM), false)
  }
  const isRight = async () => {
    const held = await holders()
    assert.deepEqual(
      [held.get(CLAIM), held.get(ADDRESS), held.has(STRAY)],
      ['core/services/default/web', 'core/services/default/web', false],
    )
  }
  assert.equal((await servers[0]!.request('POST', SERVICES, service('web'))).status, 201)
  await isRight()
  const all = await holders()
  await spoil()

  // As with a store that one server alone has written: who starts gives everything its claim before anything is asked of it.
  await add({ clock })
  await isRight()
  assert.deepEqual(await holders(), all)

  await spoil()
  await clock.advance(59_000)
  assert.equal((await holders()).has(CLAIM), false)
  await clock.advance(1_000)
  await soon(isRight)
})

test('a claim of nobody keeps a number from nobody who asks for it', async (t) => {
  const { servers, prefix } = await serversOverEtcd(t, etcd, 1)
  const bare = etcdClient(etcd.endpoints[0]!, realClock())
  t.after(() => bare.close())
  const put = (claim: string, holder: string) => ({
    requestPut: { key: Buffer.from(`${prefix}/claims/${claim}`), value: Buffer.from(holder) },
  })
  await bare.call('Txn', { compare: [], success: [put(CLAIM, 'core/services/default/nobody')], failure: [] })
  const made = await servers[0]!.request('POST', SERVICES, service('web'))
  assert.equal(made.status, 201, made.text)
  // One that another server holds for an object that memory does not know to hold it is not taken from it.
  assert.equal((await servers[0]!.request('POST', SERVICES, service('other'))).status, 201)
  await bare.call('Txn', { compare: [], success: [put('node-ports/TCP-30500', 'core/pods/default/web')], failure: [] })
  await bare.call('Txn', {
    compare: [],
    success: [
      {
        requestPut: {
          key: Buffer.from(`${prefix}/objects/core/pods/default/web`),
          value: Buffer.from('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","resourceVersion":"0"}}'),
        },
      },
    ],
    failure: [],
  })
  const body = { ...service('third'), spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30_500 }] } }
  const refused = await servers[0]!.request('POST', SERVICES, body)
  assert.equal(refused.status, 503, refused.text)
  assert.match(refused.text, /other API servers gave each of 16 numbers or addresses first; please try again/)
})
