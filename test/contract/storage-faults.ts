import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Storage } from '../../apiserver/storage/storage.ts'
import { StorageConflict, StorageUnavailable } from '../../apiserver/storage/storage.ts'
import {
  Collector,
  type FaultyMedium,
  factsOf,
  put,
  readAll,
  remove,
  revisionsBetween,
  type StorageDriver,
  TINY_RECENT,
  turn,
  withStore,
} from './storage-driver.ts'

/** Closing, starting again, and media that stall, fail, or lose their answer. */
export function storageFaultsSuite(driver: StorageDriver): void {
  describe(`${driver.name}: closing`, () => {
    it('finishes the writes it took, refuses those that come after, and ends subscriptions when they have everything', () =>
      withStore(driver, {}, async ({ storage }) => {
        const collector = new Collector(storage, 0)
        const writes = Array.from({ length: 200 }, (_, n) =>
          put(storage, `core/pods/a/p${n}`, 'x', { durability: n % 2 ? 'synced' : 'relaxed' }),
        )
        const closed = storage.close()
        await assert.rejects(put(storage, 'core/pods/a/late', 'x'), StorageUnavailable)
        const changes = await Promise.all(writes)
        await Promise.all([closed, storage.close()])
        assert.equal(Math.max(...changes.map(({ revision }) => revision)), 200)
        assert.deepEqual(collector.revisions, revisionsBetween(0, 200))
        assert.ok(collector.ended instanceof StorageUnavailable)
        assert.equal(storage.count('core/pods/'), 200)
      }))
  })

  if (driver.durable) restartSuite(driver)

  if (driver.numbersAhead) mediumSuite(driver)
}

function mediumSuite(driver: StorageDriver): void {
  describe(`${driver.name}: a medium with faults`, () => {
    it('shows nothing that is not durable, and tells a conflict only with what is', () =>
      withMedium(driver, async (storage, medium) => {
        await put(storage, 'core/pods/a/one', 'red')
        const collector = new Collector(storage, 1)
        medium.hold()
        const outcomes: string[] = []
        const first = put(storage, 'core/pods/a/one', 'blue', { expect: 1 }).then(() => outcomes.push('stored'))
        const second = put(storage, 'core/pods/a/one', 'green', { expect: 1 }).catch((error: unknown) => {
          assert.ok(error instanceof StorageConflict)
          outcomes.push(`conflict with ${error.current?.value}`)
        })
        await medium.arrival
        await turn()
        assert.equal(storage.get('core/pods/a/one')?.value.toString(), 'red@1')
        assert.equal(storage.newest('core/pods/a/one')?.value.toString(), 'blue@2')
        assert.equal(storage.revision, 1)
        assert.deepEqual([outcomes, collector.revisions], [[], []])
        medium.release()
        await Promise.all([first, second])
        assert.deepEqual(outcomes, ['stored', 'conflict with blue@2'])
      }))

    it('fails all that is queued when a write fails, and goes back to what is durable', () =>
      withMedium(driver, async (storage, medium) => {
        await put(storage, 'core/pods/a/one', 'red')
        const collector = new Collector(storage, 0)
        const cause = new Error('no space left')
        medium.hold()
        medium.fail('before', cause)
        const inFlight = [put(storage, 'core/pods/a/one', 'blue'), put(storage, 'core/pods/a/two', 'blue')]
        await medium.arrival
        const queued = [
          put(storage, 'core/pods/a/one', 'green'),
          remove(storage, 'core/pods/a/two'),
          put(storage, 'core/pods/a/one', 'x', { expect: 1 }),
        ]
        const settled = storage.settled('core/pods/a/one')
        medium.release()
        for (const result of await Promise.allSettled([...inFlight, ...queued])) {
          assert.ok(result.status === 'rejected' && result.reason instanceof StorageUnavailable)
          assert.match(result.reason.message, /no space left/)
          assert.equal(result.reason.cause, cause)
        }
        await settled
        assert.deepEqual([storage.revision, storage.get('core/pods/a/one')?.revision, storage.newest('core/pods/a/two')], [1, 1, undefined])
        medium.heal()
        const next = await put(storage, 'core/pods/a/one', 'again', { expect: 1 })
        assert.equal(next.revision, 2)
        await collector.reached(2)
        assert.deepEqual(collector.revisions, [1, 2])
      }))

    it('counts a write that reached the medium although its answer was lost', () =>
      withMedium(driver, async (storage, medium) => {
        await put(storage, 'core/pods/a/one', 'red')
        const collector = new Collector(storage, 0)
        medium.fail('after', new Error('lost answer'))
        const batch = [put(storage, 'core/pods/a/one', 'blue'), put(storage, 'core/pods/a/two', 'blue')]
        for (const result of await Promise.allSettled(batch))
          assert.ok(result.status === 'rejected' && result.reason instanceof StorageUnavailable)
        assert.equal(storage.revision, 1)
        medium.heal()
        await assert.rejects(put(storage, 'core/pods/a/one', 'green', { expect: 1 }), StorageConflict)
        assert.equal(storage.get('core/pods/a/one')?.value.toString(), 'blue@2')
        assert.equal((await put(storage, 'core/pods/a/one', 'green', { expect: 2 })).revision, 4)
        await collector.reached(4)
        assert.deepEqual(collector.revisions, [1, 2, 3, 4])
        assert.equal(collector.changes[3]?.previous?.value.toString(), 'blue@2')
      }))

    it('answers reads while every write fails, and loses nothing over many failures', () =>
      withMedium(driver, async (storage, medium) => {
        const acknowledged = new Map<string, string>()
        for (let round = 0; round < 20; round++) {
          if (round % 2 === 1) medium.fail(round % 4 === 1 ? 'before' : 'after', new Error('I/O error'))
          const writes = Array.from({ length: 10 }, async (_, n) => {
            const change = await put(storage, `core/pods/a/r${round}-${n}`, `${round}`)
            acknowledged.set(change.key, change.entry.value.toString())
          })
          const results = await Promise.allSettled(writes)
          assert.equal(new Set(results.map((result) => result.status)).size, 1, 'one batch, one outcome')
          assert.equal(results[0]?.status, round % 2 === 1 ? 'rejected' : 'fulfilled')
          for (const [key, text] of acknowledged) assert.equal(storage.get(key)?.value.toString(), text)
          assert.equal((await storage.getAt('core/pods/a/r0-0', 5))?.value.toString(), '0@1')
          medium.heal()
        }
        const changes = await readAll(storage.changes(0, storage.revision))
        assert.deepEqual(
          changes.map((change) => change.revision),
          revisionsBetween(0, storage.revision),
        )
        assert.equal(acknowledged.size, 100)
      }))
  })
}

function restartSuite(driver: StorageDriver): void {
  describe(`${driver.name}: starting again`, () => {
    it('brings back the present, the log, the facts and the horizon', () =>
      withStore(driver, { recent: TINY_RECENT }, async (store) => {
        const first = store.storage
        for (let n = 1; n <= 30; n++) await put(first, `core/pods/a/p${n % 5}`, `v${n}`, { durability: n % 2 ? 'synced' : 'relaxed' })
        await remove(first, 'core/pods/a/p0') // 31
        await first.compact(12)
        const before = [...first.entries('')].map(({ key, value, revision, createRevision }) => ({ key, value, revision, createRevision }))
        const log = (await readAll(first.changes(12, 31))).map((change) => [
          change.revision,
          change.type,
          change.key,
          `${change.previous?.value}`,
        ])
        const storage = await store.reopen()
        assert.deepEqual([storage.revision, storage.compacted], [31, 12])
        const after = [...storage.entries('')].map(({ key, value, revision, createRevision }) => ({ key, value, revision, createRevision }))
        assert.deepEqual(after, before)
        for (const entry of storage.entries('')) assert.equal(entry.facts, factsOf(entry.key, entry.value))
        const logAfter = (await readAll(storage.changes(12, 31))).map((c) => [c.revision, c.type, c.key, `${c.previous?.value}`])
        assert.deepEqual(logAfter, log)
        assert.equal((await storage.getAt('core/pods/a/p0', 30))?.value.toString(), 'v30@30')
        assert.equal((await storage.getAt('core/pods/a/p1', 12))?.value.toString(), 'v11@11')
        await assert.rejects(storage.getAt('core/pods/a/p1', 11), { name: 'RevisionCompacted' })
        const collector = new Collector(storage, 20)
        assert.equal((await put(storage, 'core/pods/a/p1', 'next', { expect: 26 })).revision, 32)
        await collector.reached(32)
        assert.deepEqual(collector.revisions, revisionsBetween(20, 32))
      }))

    it('begins again at the newest revision even when all of the log is compacted', () =>
      withStore(driver, {}, async (store) => {
        for (let n = 1; n <= 5; n++) await put(store.storage, 'core/pods/a/one', `v${n}`)
        await remove(store.storage, 'core/pods/a/one')
        await store.storage.compact(6)
        const storage = await store.reopen()
        assert.deepEqual([storage.revision, storage.compacted, storage.count('')], [6, 6, 0])
        assert.equal((await put(storage, 'core/pods/a/one', 'again', { expect: 0 })).revision, 7)
      }))
  })
}

/** Leaves a medium without faults, so that the store can be closed. */
async function withMedium(driver: StorageDriver, body: (storage: Storage<string>, medium: FaultyMedium) => Promise<void>): Promise<void> {
  await withStore(driver, {}, async ({ storage, medium }) => {
    try {
      await body(storage, medium)
    } finally {
      medium.heal()
      medium.release()
    }
  })
}
