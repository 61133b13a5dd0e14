import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, type TestContext, test } from 'node:test'
import { silentLogger } from '../../../shared/logging/logger.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { Collector, FaultyMedium, factsOf, put, readAll, remove, restampText } from '../../../test/contract/storage-driver.ts'
import { type PrivateEtcd, privateEtcd } from '../../../test/harness/private-etcd.ts'
import { soon } from '../../../test/harness/soon.ts'
import { tcpGate } from '../../../test/harness/tcp-gate.ts'
import {
  PresentReplaced,
  RevisionCompacted,
  type Storage,
  StorageConflict,
  StorageRefused,
  StorageUnavailable,
  ValueTooLarge,
} from '../storage.ts'
import { etcdClient } from './etcd-link.ts'
import { type EtcdStorageOptions, openEtcdStorage } from './etcd-storage.ts'

const KEY = 'core/pods/a/one'
const clock = realClock()
const etcd: PrivateEtcd = await privateEtcd()
const endpoint = etcd.endpoints[0]!
const client = etcdClient(endpoint, clock)
after(async () => {
  client.close()
  await etcd.dispose()
})
const portOf = (of: PrivateEtcd) => Number(new URL(of.endpoints[0]!).port)

async function open(context: TestContext, prefix: string, options: Partial<EtcdStorageOptions<string>> = {}): Promise<Storage<string>> {
  const storage = await openEtcdStorage<string>({
    ...{ endpoints: [endpoint], prefix, cluster: 'ours', facts: factsOf, restamp: restampText, clock, logger: silentLogger(), ...options },
  })
  context.after(() => storage.close())
  return storage
}

const newPrefix = () => `/${randomUUID()}`
/** What somebody else does in this etcd. */
const putBare = (key: string, value = 'x') =>
  client.call('Txn', { compare: [], success: [{ requestPut: { key: Buffer.from(key), value: Buffer.from(value) } }], failure: [] })

test('two servers over one etcd see one order of everything, and the same bytes', async (t) => {
  const prefix = newPrefix()
  const [one, two] = [await open(t, prefix), await open(t, prefix)]
  const collectors = [new Collector(one, 0), new Collector(two, 0)]
  const writers = [one, two, one, two].map(async (storage, writer) => {
    for (let n = 0; n < 50; n++) {
      const key = `core/pods/a/p${(n * 7 + writer) % 10}`
      const base = storage.get(key)
      const write = n % 5 === 4 ? remove(storage, key) : put(storage, key, `w${writer}-${n}`, { expect: base?.revision ?? 0 })
      await write.catch((error: unknown) => assert.ok(error instanceof StorageConflict, String(error)))
    }
  })
  await Promise.all(writers)
  await Promise.all([one.barrier(), two.barrier()])
  assert.equal(one.revision, two.revision)
  const told = collectors.map(({ changes }) => changes)
  for (const collector of collectors) await collector.reached(one.revision)
  const shown = told.map((changes) => changes.map(({ type, revision, key, entry }) => `${type} ${revision} ${key} ${entry.value}`))
  assert.deepEqual(shown[0], shown[1])
  assert.ok(shown[0]!.length > 50)
  assert.deepEqual(
    [...one.entries('')].map(({ key, value }) => `${key} ${value}`),
    [...two.entries('')].map(({ key, value }) => `${key} ${value}`),
  )
})

test('a conflict tells what another server has stored, and by then it is here', async (t) => {
  const prefix = newPrefix()
  const [one, two] = [await open(t, prefix), await open(t, prefix)]
  const base = await put(one, KEY, 'red')
  await two.barrier()
  const updates = [one, two].map((storage) => put(storage, KEY, 'blue', { expect: base.revision }))
  const results = await Promise.allSettled(updates)
  const lost = results.findIndex(({ status }) => status === 'rejected')
  const result = results[lost]
  assert.ok(result?.status === 'rejected' && result.reason instanceof StorageConflict, 'exactly one lost')
  assert.equal(result.reason.current?.value.toString(), 'blue@2')
  assert.equal([one, two][lost]!.get(KEY)?.revision, 2)
  await remove(one, KEY)
  await assert.rejects(put(two, KEY, 'green', { expect: 2 }), StorageConflict)
  assert.equal(two.get(KEY), undefined, 'what it lost against was a removal')
  assert.equal((await put(two, KEY, 'green', { expect: 0 })).revision, 4)
})

test('a write whose answer is lost is neither told to have happened nor to have lost, and its change comes', async (t) => {
  const medium = new FaultyMedium()
  const storage = await open(t, newPrefix(), { medium: (send) => medium.pass(send) })
  await put(storage, KEY, 'red')
  const collector = new Collector(storage, 1)
  const cause = new Error('connection reset')
  medium.fail('after', cause)
  await assert.rejects(put(storage, KEY, 'blue', { expect: 1 }), (error) => {
    assert.ok(error instanceof StorageUnavailable)
    assert.match(error.message, /may or may not have happened: connection reset/)
    assert.equal(error.cause, cause)
    return true
  })
  medium.heal()
  await collector.reached(2)
  assert.equal(storage.get(KEY)?.value.toString(), 'blue@2')
  await assert.rejects(put(storage, KEY, 'green', { expect: 1 }), StorageConflict)
  medium.fail('before', cause)
  await assert.rejects(put(storage, KEY, 'never', { expect: 2 }), StorageUnavailable)
  medium.heal()
  assert.equal((await put(storage, KEY, 'green', { expect: 2 })).revision, 3)
})

test('what others write to the same etcd leaves gaps, and neither readers nor watchers wait for it', async (t) => {
  const prefix = newPrefix()
  const storage = await open(t, prefix, { recent: { changes: 2, bytes: 10_000 } })
  for (let n = 0; n < 5; n++) {
    await put(storage, `core/pods/a/p${n}`, 'x')
    await putBare('/others/one')
  }
  await putBare('/others/one')
  await storage.barrier()
  const start = performance.now()
  for (let n = 0; n < 3; n++) {
    await putBare('/others/one')
    await storage.barrier()
  }
  assert.ok(performance.now() - start < 2_000, 'once it is known that there are others, nobody waits for what does not come')
  const collector = new Collector(storage, 0)
  await collector.reached(9)
  assert.deepEqual(collector.revisions, [1, 3, 5, 7, 9])
  assert.equal((await storage.pageAt('core/pods/', 6, {})).entries.length, 3)
  assert.deepEqual(
    (await readAll(storage.changes(3, storage.revision))).map(({ revision }) => revision),
    [5, 7, 9],
  )
  const again = await open(t, prefix)
  assert.ok(again.revision > 9)
  assert.deepEqual(
    (await readAll(again.changes(3, again.revision))).map(({ revision }) => revision),
    [5, 7, 9],
  )
})

test('after a restart everybody goes on from before it at once, and etcd is read once for all of them', async (t) => {
  const prefix = newPrefix()
  const storage = await open(t, prefix)
  for (let n = 0; n < 40; n++) await put(storage, `core/pods/a/p${n}`, 'x')
  const again = await open(t, prefix)
  const watches = async () => {
    const text = await (await fetch(`${etcd.endpoints[0]}/metrics`)).text()
    return Number(/grpc_server_started_total\{grpc_method="Watch".*\} (\d+)/.exec(text)?.[1])
  }
  const before = await watches()
  const expected = (from: number) => Array.from({ length: 40 - from }, (_, n) => from + n + 1)
  await Promise.all(
    Array.from({ length: 30 }, async (_, from) => {
      const read = await readAll(again.changes(from, again.revision))
      assert.deepEqual(
        read.map(({ revision }) => revision),
        expected(from),
      )
      const collector = new Collector(again, from)
      await collector.reached(40)
      assert.deepEqual(collector.revisions, expected(from))
    }),
  )
  assert.ok((await watches()) - before <= 2, `${(await watches()) - before} watches were opened`)
  // More than memory takes is read as before.
  const small = await open(t, prefix, { recent: { changes: 10, bytes: 10_000 } })
  const read = await Promise.all([0, 1, 35].map((from) => readAll(small.changes(from, small.revision))))
  assert.deepEqual(
    read.map(({ length }) => length),
    [40, 39, 5],
  )
})

test('watches go on from before a server began, whatever is written meanwhile', async (t) => {
  const prefix = newPrefix()
  const writer = await open(t, prefix)
  for (let n = 0; n < 30; n++) await put(writer, `core/pods/a/p${n}`, 'x')
  const again = await open(t, prefix)
  const collectors: Collector[] = []
  for (let n = 0; n < 60; n++) {
    collectors.push(new Collector(again, n % 25))
    await put(writer, `core/pods/b/p${n}`, 'x')
    await putBare('/others/one')
  }
  const newest = writer.revision
  for (const collector of collectors) await collector.reached(newest)
  const all = new Set(collectors.map(({ revisions }) => revisions.length))
  assert.ok(all.size > 1)
})

test('a mirror that missed what etcd forgot reads everything anew, and ends its watches', async (t) => {
  const gate = await tcpGate(portOf(etcd))
  t.after(() => gate.close())
  const prefix = newPrefix()
  const other = await open(t, prefix)
  const storage = await open(t, prefix, { endpoints: [`http://127.0.0.1:${gate.port}`] })
  await put(storage, KEY, 'red')
  await put(storage, 'core/pods/a/gone', 'red')
  const collector = new Collector(storage, 2)
  gate.shut()
  for (let n = 0; n < 3; n++) await put(other, KEY, `${n}`)
  await remove(other, 'core/pods/a/gone')
  await other.compact(other.revision)
  await assert.rejects(put(storage, KEY, 'never'), StorageUnavailable)
  assert.equal(storage.get(KEY)?.value.toString(), 'red@1', 'reads of what is known go on')
  gate.open()
  await collector.end()
  assert.ok(collector.ended instanceof PresentReplaced && collector.ended instanceof RevisionCompacted)
  assert.deepEqual(
    collector.ended.gone.map(({ key }) => key),
    ['core/pods/a/gone'],
  )
  assert.deepEqual(
    [...storage.entries('')].map(({ key, value }) => `${key} ${value}`),
    [`${KEY} 2@5`],
  )
  assert.deepEqual([storage.revision, storage.compacted], [6, 6])
  assert.throws(() => storage.subscribe(5, () => {}), { name: 'RevisionCompacted' })
  assert.equal((await put(storage, KEY, 'next', { expect: 5 })).revision, 7)
})

test('a removal is not missed when etcd was compacted to its very revision meanwhile', async (t) => {
  const gate = await tcpGate(portOf(etcd))
  t.after(() => gate.close())
  const prefix = newPrefix()
  const other = await open(t, prefix)
  const storage = await open(t, prefix, { endpoints: [`http://127.0.0.1:${gate.port}`], recent: { changes: 1, bytes: 1_000 } })
  for (const name of ['one', 'two', 'three']) await put(storage, `core/pods/a/${name}`, 'x')
  gate.shut()
  const { revision } = await remove(other, KEY)
  await other.compact(revision)
  gate.open()
  await soon(async () => {
    await storage.barrier()
    assert.equal(storage.get(KEY), undefined)
  })
  // Nor by who reads the past from there on.
  await remove(storage, 'core/pods/a/two')
  await put(storage, 'core/pods/a/three', 'y')
  const changes = await readAll((await open(t, prefix)).changes(revision, revision + 2))
  assert.deepEqual(
    changes.map(({ type, key }) => `${type} ${key}`),
    ['delete core/pods/a/two', 'put core/pods/a/three'],
  )
})

test('a short break is bridged: the watch goes on where it was', async (t) => {
  const gate = await tcpGate(portOf(etcd))
  t.after(() => gate.close())
  const prefix = newPrefix()
  const other = await open(t, prefix)
  const storage = await open(t, prefix, { endpoints: [`http://127.0.0.1:${gate.port}`] })
  const collector = new Collector(storage, 0)
  for (let round = 0; round < 3; round++) {
    await put(storage, KEY, `a${round}`)
    gate.shut()
    await put(other, KEY, `b${round}`)
    gate.open()
    await soon(async () => void (await storage.barrier()))
  }
  await collector.reached(6)
  assert.deepEqual(
    collector.changes.map(({ entry }) => entry.value.toString()),
    ['a0@1', 'b0@2', 'a1@3', 'b1@4', 'a2@5', 'b2@6'],
  )
})

test('another etcd behind the address is not written to', async (t) => {
  const stranger = await privateEtcd()
  t.after(() => stranger.dispose())
  const gate = await tcpGate(portOf(etcd))
  t.after(() => gate.close())
  const storage = await open(t, newPrefix(), { endpoints: [`http://127.0.0.1:${gate.port}`] })
  await put(storage, KEY, 'red')
  gate.shut()
  gate.open(portOf(stranger))
  await soon(() => assert.rejects(put(storage, KEY, 'blue'), { name: 'StorageUnavailable', message: /a member of another etcd/ }))
  gate.shut()
  gate.open(portOf(etcd))
  await soon(async () => void (await put(storage, KEY, 'green')))
})

test('what an etcd cannot hold is refused as too large, and nothing else suffers', async (t) => {
  const storage = await open(t, newPrefix())
  const large = randomBytes(1_200_000).toString('hex')
  await assert.rejects(put(storage, KEY, large), (error) => error instanceof ValueTooLarge && error.bytes > 2_000_000)
  assert.equal((await put(storage, KEY, large.slice(0, 1_000_000))).revision, 1)
})

test('a used-up quota is told with its cure; reads go on, and writes when the alarm is off', async (t) => {
  const small = await privateEtcd({ flags: [`--quota-backend-bytes=${4 * 2 ** 20}`] })
  t.after(() => small.dispose())
  const storage = await open(t, newPrefix(), { endpoints: small.endpoints })
  await put(storage, KEY, 'small')
  const large = 'x'.repeat(1_000_000)
  const fill = async () => {
    for (let n = 0; n < 20; n++) await put(storage, 'core/pods/a/large', large)
  }
  await assert.rejects(fill(), { name: 'StorageUnavailable', message: /has reached its quota; .*alarm disarm/ })
  await assert.rejects(put(storage, KEY, 'no'), StorageUnavailable)
  await storage.barrier()
  assert.equal((await storage.getAt(KEY, 1))?.value.toString(), 'small@1')
  await storage.compact(storage.revision)
  await soon(async () => {
    await small.maintain('defragment', {})
    const { alarms = [] } = await small.maintain('alarm', { action: 'GET' })
    for (const alarm of alarms as object[]) await small.maintain('alarm', { ...alarm, action: 'DEACTIVATE' })
    assert.equal((await put(storage, KEY, 'room again')).entry.value.toString().slice(0, 10), 'room again')
  })
})

test('a store of a newer format, or of somebody else, is refused and left as it is', async (t) => {
  const prefix = newPrefix()
  await (await open(t, prefix)).close()
  await putBare(`${prefix}/store`, '{"format":2,"cluster":"ours","start":0}')
  await assert.rejects(open(t, prefix), {
    name: 'StorageRefused',
    message: /has format 2, and this version reads formats up to 1: .*Start that version/s,
  })
  await putBare(`${prefix}/store`, '{"format":1,"cluster":"theirs","start":0}')
  await assert.rejects(open(t, prefix), {
    name: 'StorageRefused',
    message: /belongs to another cluster \(theirs; this server is of ours\)/,
  })
  await putBare(`${prefix}/store`, 'hello')
  await assert.rejects(open(t, prefix), StorageRefused)
  const taken = newPrefix()
  await putBare(`${taken}/something`)
  await assert.rejects(open(t, taken), { name: 'StorageRefused', message: /holds something that is no store of this program/ })
})

test('a store that continues another begins at its revision', async (t) => {
  const prefix = newPrefix()
  const storage = await open(t, prefix, { start: 5_000 })
  assert.deepEqual([storage.revision, storage.compacted], [5_000, 5_000])
  assert.equal((await put(storage, KEY, 'red', { expect: 0 })).revision, 5_001)
  await storage.close()
  const again = await open(t, prefix)
  assert.deepEqual([again.revision, again.compacted, again.get(KEY)?.value.toString()], [5_001, 5_000, 'red@5001'])
})
