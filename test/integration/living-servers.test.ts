import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type ManualClock, manualClock } from '../../simulation/time/manual-clock.ts'
import type { TestApi } from '../harness/api.ts'
import { type PrivateEtcd, privateEtcd } from '../harness/private-etcd.ts'
import { serversOverEtcd } from '../harness/servers-over-etcd.ts'

let etcd: PrivateEtcd
before(async () => {
  etcd = await privateEtcd()
})
after(() => etcd?.dispose())

const at = (address: string) => ({ args: [`--advertise-address=${address}`] })
const [ONE, TWO, THREE] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const

interface Lease {
  metadata: { name: string; labels: Record<string, string> }
  spec: { holderIdentity: string; leaseDurationSeconds: number }
}

async function leases(server: TestApi): Promise<Lease[]> {
  const selector = 'labelSelector=apiserver.kubernetes.io/identity%3Dkube-apiserver'
  const { json } = await server.request('GET', `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?${selector}`)
  return json['items'] as Lease[]
}

/**
 * How much of its own time a server needs. What it asks of etcd takes real time: each second of the clock is given a moment of it.
 */
async function secondsUntil(clock: ManualClock, condition: () => Promise<void>): Promise<number> {
  for (let seconds = 0; ; seconds++) {
    try {
      await condition()
      return seconds
    } catch (error) {
      if (seconds === 30) throw error
    }
    await clock.advance(1_000)
    await pause(100)
  }
}

/** Endpoints and the slice say the same. */
async function leadsTo(server: TestApi, ...addresses: string[]): Promise<void> {
  const endpoints = await server.request('GET', '/api/v1/namespaces/default/endpoints/kubernetes')
  const slice = await server.request('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
  const subsets = endpoints.json['subsets'] as { addresses: { ip: string }[]; ports: object[] }[]
  assert.deepEqual(
    subsets.map((subset) => subset.addresses.map(({ ip }) => ip)),
    [addresses],
  )
  assert.deepEqual(subsets[0]?.ports, [{ name: 'https', port: 6443, protocol: 'TCP' }])
  const listed = slice.json['endpoints'] as { addresses: string[] }[]
  assert.deepEqual(
    listed.flatMap((each) => each.addresses),
    addresses,
  )
}

test('kubernetes leads to every server with a Lease, no more to one that is silent, and again when it is back', async (t) => {
  const { add } = await serversOverEtcd(t, etcd, 0)
  const clocks = [manualClock(), manualClock()] as const
  const one = await add({ clock: clocks[0], ...at(ONE) })
  await leadsTo(one, ONE)
  const two = await add({ clock: clocks[1], ...at(TWO) })
  await leadsTo(two, ONE, TWO)
  const [lease] = await leases(one)
  assert.match(lease?.metadata.name ?? '', /^apiserver-[0-9a-f]{26}$/)
  assert.match(lease?.spec.holderIdentity ?? '', new RegExp(`^${lease?.metadata.name}_[0-9a-f-]{36}$`))
  assert.equal((await leases(two)).length, 2)

  // Time stands still for the first: that of the others goes on.
  const seconds = await secondsUntil(clocks[1], () => leadsTo(two, TWO))
  assert.ok(seconds >= 9 && seconds <= 15, `dead after ${seconds} seconds`)
  assert.equal((await leases(two)).length, 1)
  const back = await secondsUntil(clocks[0], () => leadsTo(two, ONE, TWO))
  assert.ok(back <= 4, `back after ${back} seconds`)
})

test('after an outage of the store nobody is taken for dead who could not renew', async (t) => {
  const own = await privateEtcd()
  t.after(() => own.dispose())
  const { add } = await serversOverEtcd(t, own, 0)
  const clocks = [manualClock(), manualClock()] as const
  const one = await add({ clock: clocks[0], ...at(ONE) })
  const two = await add({ clock: clocks[1], ...at(TWO) })
  await leadsTo(two, ONE, TWO)
  await own.members[0]!.kill()
  for (let second = 0; second < 15; second++) await clocks[1].advance(1_000)
  own.members[0]!.start()
  await own.ready()
  // It finds the store, and looks at it several times, while the first has not renewed yet.
  await secondsUntil(clocks[1], async () => assert.equal((await two.request('GET', '/api/v1/namespaces/default')).status, 200))
  for (let second = 0; second < 4; second++) {
    await clocks[1].advance(1_000)
    await pause(100)
    await leadsTo(two, ONE, TWO)
  }
  await secondsUntil(clocks[0], () => leadsTo(one, ONE, TWO))
})

test('a server that stops in order is gone at once, and the last one leaves where it was', async (t) => {
  const { add, servers } = await serversOverEtcd(t, etcd, 0)
  assert.equal(servers.length, 0)
  const [one, two] = [await add(at(ONE)), await add(at(TWO))]
  await leadsTo(two, ONE, TWO)
  await one.stop()
  await leadsTo(two, TWO)
  assert.equal((await leases(two)).length, 1)
  await two.stop()
  const three = await add(at(THREE))
  await leadsTo(three, THREE)
})

test('endpoints and Leases that somebody spoils are as they were a few seconds later', async (t) => {
  const { add } = await serversOverEtcd(t, etcd, 0)
  const clock = manualClock()
  const server = await add({ clock, ...at(ONE) })
  const [lease] = await leases(server)
  const places = [
    '/api/v1/namespaces/default/endpoints/kubernetes',
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes',
    `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${lease?.metadata.name}`,
  ]
  for (const place of places) assert.equal((await server.request('DELETE', place)).status, 200)
  const seconds = await secondsUntil(clock, async () => {
    await leadsTo(server, ONE)
    const names = (await leases(server)).map(({ metadata }) => metadata.name)
    assert.deepEqual(names, [lease?.metadata.name])
  })
  assert.ok(seconds <= 5, `right after ${seconds} seconds`)
})
