import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { realClock } from '../../shared/time/clock.ts'
import { storageContract } from '../../test/contract/storage.ts'
import { Collector, durableTestStore, factsOf, put, readAll, remove, restampText } from '../../test/contract/storage-driver.ts'
import { openDatabase, writeBatch } from './leveldb-database.ts'
import { type LevelStorageOptions, openLevelStorage } from './leveldb-storage.ts'
import type { Storage } from './storage.ts'

const newDirectory = () => mkdtemp(join(tmpdir(), 'storage-'))

function open(directory: string, options: Partial<LevelStorageOptions<string>> = {}): Promise<Storage<string>> {
  return openLevelStorage({ directory, logger: silentLogger(), clock: realClock(), facts: factsOf, restamp: restampText, ...options })
}

storageContract({
  name: 'leveldb',
  durable: true,
  numbersAhead: true,
  async create({ recent } = {}) {
    const directory = await newDirectory()
    return durableTestStore(
      (medium) => open(directory, { recent, writeBatch: (...batch) => medium.pass(() => writeBatch(...batch)) }),
      () => rm(directory, { recursive: true }),
    )
  },
})

/** Runs a test body with a directory of its own. */
async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await newDirectory()
  try {
    await body(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Changes the files behind the store's back. */
async function tamper(directory: string, change: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<void>): Promise<void> {
  await rm(join(directory, 'FILES'), { force: true })
  const database = await openDatabase(directory)
  await change(database)
  await database.close()
}

describe('leveldb: what it refuses to open', () => {
  it('a store that another has open, naming the cure', () =>
    withDirectory(async (directory) => {
      const storage = await open(directory)
      await assert.rejects(open(directory), { name: 'StorageRefused', message: /is open in another process; stop that API server/ })
      assert.equal((await put(storage, 'core/pods/a/one', 'x')).revision, 1)
      await storage.close()
      await (await open(directory)).close()
    }))

  it('a store of a newer format, naming both versions, and leaves it as it is', () =>
    withDirectory(async (directory) => {
      await (await open(directory)).close()
      await tamper(directory, (database) => database.put('m/format', Buffer.from('7')))
      const refusal = {
        name: 'StorageRefused',
        message: /has format 7, and this version reads formats up to 2: .*Start that version again, or restore/s,
      }
      await assert.rejects(open(directory), refusal)
      await assert.rejects(open(directory), refusal)
    }))

  it('a database that is something else', () =>
    withDirectory(async (directory) => {
      await tamper(directory, (database) => database.put('foreign', Buffer.from('x')))
      await assert.rejects(open(directory), { name: 'StorageRefused', message: /no store of this program/ })
    }))

  it('a present that points to nothing', () =>
    withDirectory(async (directory) => {
      const storage = await open(directory)
      await put(storage, 'core/pods/a/one', 'x')
      await storage.close()
      await tamper(directory, (database) => database.del('v/0000000000000001'))
      await assert.rejects(open(directory), { name: 'StorageRefused', message: /core\/pods\/a\/one has no value at revision 1/ })
    }))
})

describe('leveldb: a store of the first format', () => {
  /** As the first release wrote it. */
  async function writeOld(directory: string): Promise<void> {
    const text = (key: string, value: string) => ({ type: 'put' as const, key, value: Buffer.from(value) })
    await tamper(directory, (database) =>
      database.batch([
        ...[text('m/format', '1'), text('m/session', '{"boot":"monday","closed":true}'), text('m/compacted', '0')],
        ...[text('c/0000000000000001', '[1,"core/pods/a/one",0,1,5,5]'), text('v/0000000000000001', 'red@1')],
        ...[text('c/0000000000000002', '[1,"core/pods/a/one",1,1,6,11]'), text('v/0000000000000002', 'blue@2')],
        ...[text('c/0000000000000003', '[1,"core/pods/a/two",0,3,7,16]'), text('v/0000000000000003', 'two@3')],
        ...[text('p/core/pods/a/one', '2 1'), text('p/core/pods/a/two', '3 3')],
      ]),
    )
  }

  it('is taken over with all that is present, and watches begin anew', () =>
    withDirectory(async (directory) => {
      await writeOld(directory)
      for (let time = 1; time <= 2; time++) {
        const storage = await open(directory)
        assert.deepEqual([storage.revision, storage.compacted], [2 + time, 3])
        const { value, createRevision } = storage.get('core/pods/a/one')!
        assert.deepEqual([value.toString(), createRevision], ['blue@2', 1])
        await put(storage, `core/pods/a/new${time}`, 'x')
        await storage.close()
      }
      await tamper(directory, async (database) => {
        const keys = await readAll(database.keys({ lt: 'm/' }))
        assert.ok(!keys.some((key) => /^[cp]\//.test(key)), keys.join())
      })
    }))

  it('is refused when a value is missing, and stays as it is', () =>
    withDirectory(async (directory) => {
      await writeOld(directory)
      await tamper(directory, (database) => database.del('v/0000000000000002'))
      const refusal = { name: 'StorageRefused', message: /core\/pods\/a\/one has no value at revision 2/ }
      await assert.rejects(open(directory), refusal)
      await assert.rejects(open(directory), refusal)
    }))
})

const lose = () => Promise.reject(new Error('killed'))

describe('leveldb: ends that were no close', () => {
  /** A process that ends without a close: its writes are in the files, its lock is gone. */
  async function abandon(directory: string, options: Partial<LevelStorageOptions<string>>, writes: number): Promise<void> {
    const storage = await open(directory, {
      ...options,
      writeBatch: (database, operations, sync) => (operations.some(isClosing) ? lose() : writeBatch(database, operations, sync)),
    })
    for (let n = 1; n <= writes; n++) await put(storage, `core/pods/a/p${n}`, `v${n}`)
    await storage.close()
  }
  const isClosing = (operation: { key: string; value?: unknown }) =>
    operation.key === 'm/session' && `${operation.value}`.includes('"closed":true')

  it('go on without a gap when only the process ended', () =>
    withDirectory(async (directory) => {
      await abandon(directory, { bootId: 'monday' }, 3)
      const storage = await open(directory, { bootId: 'monday' })
      assert.deepEqual([storage.revision, storage.compacted], [3, 0])
      await storage.close()
    }))

  it('begin anew beyond every revision a client can have seen when the machine went down', () =>
    withDirectory(async (directory) => {
      await abandon(directory, { bootId: 'monday' }, 3)
      const storage = await open(directory, { bootId: 'tuesday' })
      assert.ok(storage.revision > 3 + 2_000)
      assert.equal(storage.compacted, storage.revision)
      assert.equal(storage.count('core/pods/'), 3)
      assert.throws(() => storage.subscribe(3, () => {}), { name: 'RevisionCompacted' })
      const base = storage.revision
      const collector = new Collector(storage, base)
      await put(storage, 'core/pods/a/p1', 'next', { expect: 1 })
      await collector.reached(base + 1)
      assert.equal(collector.changes[0]?.previous?.value.toString(), 'v1@1')
      await storage.close()
      const again = await open(directory, { bootId: 'wednesday' })
      assert.equal(again.revision, base + 1)
      assert.equal((await again.getAt('core/pods/a/p1', base))?.value.toString(), 'v1@1')
      await again.close()
    }))

  it('finish the compaction that was under way', () =>
    withDirectory(async (directory) => {
      let steps = 0
      const storage = await open(directory, {
        writeBatch: (database, operations, sync) =>
          operations.some(({ key }) => key === 'm/swept') && ++steps > 1 ? lose() : writeBatch(database, operations, sync),
      })
      for (let n = 1; n <= 1_000; n++) await put(storage, `core/pods/a/p${n % 10}`, `v${n}`, { durability: 'relaxed' })
      await remove(storage, 'core/pods/a/p3') // 1001
      await put(storage, 'core/pods/a/p3', 'back') // 1002
      await assert.rejects(storage.compact(1_001))
      await storage.close()
      const again = await open(directory)
      assert.equal(again.compacted, 1_001)
      assert.equal(await again.getAt('core/pods/a/p3', 1_001), undefined)
      assert.equal((await again.getAt('core/pods/a/p5', 1_001))?.value.toString(), 'v995@995')
      await again.compact(1_002)
      await put(again, 'core/pods/a/p4', 'last') // 1003
      await again.close()
      await tamper(directory, async (database) => {
        const left = await readAll(database.keys({ gt: 'h/', lt: 'h0' }))
        assert.deepEqual(
          left.map((key) => Number(key.slice(2))),
          [1_003],
        )
        const values = await readAll(database.keys({ gt: 'v/', lt: 'v0' }))
        assert.deepEqual(
          values.map((key) => Number(key.slice(2))),
          [991, 992, 994, 995, 996, 997, 998, 999, 1_000, 1_002, 1_003],
        )
      })
    }))
})

describe('leveldb: after a failed batch', () => {
  it('opens the files anew before it writes again, because a torn record may be at their end', () =>
    withDirectory(async (directory) => {
      const used: unknown[] = []
      let failing = false
      const storage = await open(directory, {
        writeBatch(database, operations, sync) {
          used.push(database)
          return failing ? lose() : writeBatch(database, operations, sync)
        },
      })
      await put(storage, 'core/pods/a/one', 'red')
      failing = true
      await assert.rejects(put(storage, 'core/pods/a/one', 'blue'), { name: 'StorageUnavailable' })
      failing = false
      await put(storage, 'core/pods/a/one', 'green')
      assert.deepEqual([used[0] === used[1], used[1] === used[2]], [true, false])
      await storage.close()
    }))

  it('fails writes behind a failed step of a compaction, and recovers', () =>
    withDirectory(async (directory) => {
      let failing = true
      const storage = await open(directory, {
        writeBatch: (database, operations, sync) =>
          failing && operations.some(({ key }) => key === 'm/swept') ? lose() : writeBatch(database, operations, sync),
      })
      for (let n = 0; n < 5; n++) await put(storage, 'core/pods/a/one', `v${n}`)
      await assert.rejects(storage.compact(3), /killed/)
      failing = false
      await assert.rejects(put(storage, 'core/pods/a/one', 'x'), { name: 'StorageUnavailable' })
      assert.equal((await put(storage, 'core/pods/a/one', 'next')).revision, 6)
      await storage.compact(4)
      assert.equal((await storage.getAt('core/pods/a/one', 5))?.value.toString(), 'v4@5')
      await storage.close()
    }))
})

describe('leveldb: what it keeps in memory', () => {
  it('gives every value memory of its own, so that none holds a slab', () =>
    withDirectory(async (directory) => {
      const storage = await open(directory)
      await put(storage, 'core/pods/a/one', 'x')
      assert.equal(storage.get('core/pods/a/one')?.value.buffer.byteLength, 3)
      await storage.close()
      const again = await open(directory)
      assert.equal(again.get('core/pods/a/one')?.value.buffer.byteLength, 3)
      await remove(again, 'core/pods/a/one')
      await again.close()
    }))

  it('computes facts of loaded entries when they are asked for, once', () =>
    withDirectory(async (directory) => {
      const storage = await open(directory)
      await put(storage, 'core/pods/a/one', 'x')
      await storage.close()
      let computed = 0
      const again = await open(directory, { facts: () => `${++computed}` })
      assert.equal(computed, 0)
      const entry = again.get('core/pods/a/one')
      assert.deepEqual([entry?.facts, entry?.facts, computed], ['1', '1', 1])
      await again.close()
    }))
})
