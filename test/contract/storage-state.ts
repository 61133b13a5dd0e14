import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Mark, StorageConflict } from '../../apiserver/storage/storage.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { factsOf, put, readAll, remove, revisionsBetween, type StorageDriver, TINY_RECENT, wish, withStore } from './storage-driver.ts'

const clock = realClock()

/** Writes, their preconditions, the present, and the past at exact revisions. */
export function storageStateSuite(driver: StorageDriver): void {
  describe(`${driver.name}: writes and the present`, () => {
    it('gives every change the next revision and stores what encode made of it', () =>
      withStore(driver, {}, async ({ storage }) => {
        assert.equal(storage.revision, 0)
        const before = clock.now()
        const created = await put(storage, 'core/pods/a/one', 'red', { expect: 0 })
        assert.equal(created.revision, 1)
        assert.equal(created.previous, undefined)
        assert.ok(created.time >= before && created.time <= clock.now())
        const updated = await put(storage, 'core/pods/a/one', 'blue', { expect: 1 })
        assert.equal(updated.revision, 2)
        assert.equal(updated.previous?.value.toString(), 'red@1')
        const entry = storage.get('core/pods/a/one')
        assert.ok(entry)
        assert.deepEqual([entry.value.toString(), entry.revision, entry.createRevision, entry.facts], ['blue@2', 2, 1, 'BLUE'])
        assert.equal(storage.revision, 2)
      }))

    it('ends a life with a delete and begins another with the next creation', () =>
      withStore(driver, {}, async ({ storage }) => {
        await put(storage, 'core/pods/a/one', 'red')
        const deleted = await remove(storage, 'core/pods/a/one', { expect: 1 })
        assert.deepEqual(
          [deleted.type, deleted.revision, deleted.entry.value.toString(), deleted.entry.createRevision],
          ['delete', 2, 'red@2', 1],
        )
        assert.equal(deleted.previous?.value.toString(), 'red@1')
        assert.equal(storage.get('core/pods/a/one'), undefined)
        const again = await put(storage, 'core/pods/a/one', 'green', { expect: 0 })
        assert.deepEqual([again.revision, again.entry.createRevision, again.previous], [3, 3, undefined])
      }))

    const refusals = [
      { name: 'creating what exists', key: 'core/pods/a/one', expect: 0, type: 'put', current: 1 },
      { name: 'updating from an older revision', key: 'core/pods/a/two', expect: 2, type: 'put', current: 3 },
      { name: 'updating from a revision that never was', key: 'core/pods/a/two', expect: 99, type: 'put', current: 3 },
      { name: 'updating what is absent', key: 'core/pods/a/none', expect: 1, type: 'put', current: undefined },
      { name: 'deleting at an older revision', key: 'core/pods/a/two', expect: 2, type: 'delete', current: 3 },
      { name: 'deleting what is absent', key: 'core/pods/a/none', expect: undefined, type: 'delete', current: undefined },
    ] as const
    for (const { name, key, expect, type, current } of refusals) {
      it(`refuses ${name} and changes nothing`, () =>
        withStore(driver, {}, async ({ storage }) => {
          await put(storage, 'core/pods/a/one', 'red')
          await put(storage, 'core/pods/a/two', 'red')
          await put(storage, 'core/pods/a/two', 'blue')
          const write = { ...wish(key, 'never', { expect }), encode: () => assert.fail('a refused write is not encoded') }
          await assert.rejects(type === 'put' ? storage.write(write) : remove(storage, key, { expect }), (error) => {
            assert.ok(error instanceof StorageConflict)
            assert.deepEqual([error.key, error.current?.revision], [key, current])
            return true
          })
          assert.equal(storage.revision, 3)
          assert.equal((await put(storage, 'core/pods/a/one', 'blue')).revision, 4)
        }))
    }

    it('gives no revision to a write whose encode throws', () =>
      withStore(driver, {}, async ({ storage }) => {
        const broken = { ...wish('core/pods/a/one', '', {}), encode: () => assert.fail('cannot encode') }
        await assert.rejects(storage.write(broken), /cannot encode/)
        assert.equal((await put(storage, 'core/pods/a/one', 'red', { expect: 0 })).revision, 1)
      }))

    it('refuses keys and prefixes that are none', () =>
      withStore(driver, {}, async ({ storage }) => {
        for (const key of ['', 'pods', 'core/pods', 'core/pods/', '/pods/x']) await assert.rejects(put(storage, key, 'red'), TypeError, key)
        assert.throws(() => storage.count('core/pods'), TypeError)
        assert.equal(storage.revision, 0)
      }))

    it('lets exactly one of many concurrent creators of a key win', () =>
      withStore(driver, {}, async ({ storage }) => {
        const creations = Array.from({ length: 50 }, (_, index) => put(storage, 'core/pods/a/one', `w${index}`, { expect: 0 }))
        const results = await Promise.allSettled(creations)
        assert.deepEqual(results.map((result) => result.status === 'fulfilled').indexOf(true), 0)
        for (const result of results.slice(1)) {
          assert.ok(result.status === 'rejected' && result.reason instanceof StorageConflict)
          assert.equal(result.reason.current?.value.toString(), 'w0@1')
        }
        assert.equal(storage.revision, 1)
      }))

    it('lets writers build on what is queued, through newest', { skip: !driver.numbersAhead && 'revisions are known at the commit' }, () =>
      withStore(driver, {}, async ({ storage }) => {
        const writes = Array.from({ length: 100 }, (_, index) => {
          const base = storage.newest('core/pods/a/one')
          return put(storage, 'core/pods/a/one', `${index}`, { expect: base?.revision ?? 0 })
        })
        const changes = await Promise.all(writes)
        assert.deepEqual(
          changes.map((change) => change.revision),
          revisionsBetween(0, 100),
        )
        assert.equal(storage.get('core/pods/a/one')?.value.toString(), '99@100')
        await Promise.all([remove(storage, 'core/pods/a/one'), storage.settled('core/pods/a/one')])
        assert.equal(storage.newest('core/pods/a/one'), undefined)
      }),
    )

    it('acknowledges relaxed and synced writes in the order of their revisions', () =>
      withStore(driver, {}, async ({ storage }) => {
        const acknowledged: number[] = []
        const writes = Array.from({ length: 300 }, async (_, index) => {
          const durability = index % 3 === 0 ? 'synced' : 'relaxed'
          const change = await put(storage, `core/events/a/e${index}`, 'x', { durability })
          assert.equal(storage.get(change.key)?.revision, change.revision, 'an acknowledged write is in the present')
          acknowledged.push(change.revision)
        })
        await Promise.all(writes)
        if (!driver.numbersAhead) acknowledged.sort((a, b) => a - b)
        assert.deepEqual(acknowledged, revisionsBetween(0, 300))
      }))

    it('keeps the present in key order, by whole segments, at any size', () =>
      withStore(driver, {}, async ({ storage }) => {
        const random = seededRandom(7)
        const keys = new Set(['core/podtemplates/a/x', 'core/nodes/n1', 'apps/deployments/a/web', 'core/pods/a-b/z', 'core/pods/a/a'])
        while (keys.size < 3_000 * (driver.share ?? 1)) keys.add(`core/pods/${['a', 'ab', 'a-b'][keys.size % 3]}/${random.nameSuffix(4)}`)
        await Promise.all([...keys].map((key) => put(storage, key, 'x', { durability: 'relaxed' })))
        for (const key of [...keys].filter(() => random.fraction() < 0.3)) {
          keys.delete(key)
          await remove(storage, key, { durability: 'relaxed' })
        }
        const sorted = [...keys].sort()
        for (const prefix of ['', 'core/', 'core/pods/', 'core/pods/a/', 'core/pods/ab/', 'core/pods/nobody/', 'apps/', 'core/nodes/']) {
          const expected = sorted.filter((key) => key.startsWith(prefix))
          assert.deepEqual(
            [...storage.entries(prefix)].map((entry) => entry.key),
            expected,
            prefix,
          )
          assert.equal(storage.count(prefix), expected.length, prefix)
        }
      }))

    it('pages through the present', () =>
      withStore(driver, {}, async ({ storage }) => {
        const keys = Array.from({ length: 10 }, (_, index) => `core/pods/a/p${index}`)
        await Promise.all([...keys, 'core/pods/b/x', 'core/nodes/n'].map((key) => put(storage, key, 'x')))
        const first = storage.page('core/pods/a/', { limit: 4 })
        assert.deepEqual([first.entries.map((entry) => entry.key), first.more, first.remaining], [keys.slice(0, 4), true, 6])
        const second = storage.page('core/pods/a/', { after: 'core/pods/a/p3', limit: 6 })
        assert.deepEqual([second.entries.map((entry) => entry.key), second.more, second.remaining], [keys.slice(4), false, 0])
        assert.equal(storage.page('core/pods/a/', { after: 'core/pods/a/p55', limit: 0 }).entries.length, 4)
        assert.deepEqual(storage.page('core/pods/c/', { limit: 5 }), { entries: [], more: false, remaining: 0 })
        assert.equal(storage.page('core/pods/b/', { after: 'core/pods/a/p3' }).entries.length, 1)
      }))
  })

  for (const recent of [undefined, TINY_RECENT]) {
    describe(`${driver.name}: the past, ${recent === undefined ? 'from memory' : 'from the log'}`, () => {
      it('reads one key and pages of many at exact revisions', () =>
        withStore(driver, { recent }, async ({ storage }) => {
          await put(storage, 'core/pods/a/one', 'red') // 1
          await put(storage, 'core/pods/a/one1', 'red') // 2
          await put(storage, 'core/pods/a/one', 'blue') // 3
          await remove(storage, 'core/pods/a/one1') // 4
          await put(storage, 'core/pods/a/two', 'red') // 5
          await put(storage, 'core/pods/a/one1', 'green') // 6
          for (let filler = 0; filler < 10; filler++) await put(storage, 'core/nodes/n', `${filler}`)
          const textAt = async (key: string, revision: number) => (await storage.getAt(key, revision))?.value.toString()
          assert.deepEqual(await Promise.all([0, 1, 2, 3, 16].map((revision) => textAt('core/pods/a/one', revision))), [
            undefined,
            'red@1',
            'red@1',
            'blue@3',
            'blue@3',
          ])
          assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6].map((revision) => textAt('core/pods/a/one1', revision))), [
            undefined,
            'red@2',
            'red@2',
            undefined,
            undefined,
            'green@6',
          ])
          const past = await storage.getAt('core/pods/a/one1', 3)
          assert.ok(past)
          assert.deepEqual([past.createRevision, past.facts], [2, driver.durable && recent ? factsOf('', past.value) : 'RED'])
          const page = await storage.pageAt('core/pods/', 3, { limit: 1 })
          assert.deepEqual([page.entries.map((entry) => entry.value.toString()), page.more, page.remaining], [['blue@3'], true, 1])
          const rest = await storage.pageAt('core/pods/', 3, { after: 'core/pods/a/one', limit: 5 })
          assert.deepEqual([rest.entries.map((entry) => entry.value.toString()), rest.more, rest.remaining], [['red@2'], false, 0])
          assert.equal((await storage.pageAt('core/pods/', 0, {})).entries.length, 0)
        }))

      it('compacts: nothing from before is readable, everything from there on is', () =>
        withStore(driver, { recent }, async ({ storage }) => {
          for (let n = 1; n <= 20; n++) await put(storage, `core/pods/a/p${n % 3}`, `v${n}`)
          await remove(storage, 'core/pods/a/p0') // 21
          await storage.compact(10)
          await storage.compact(5)
          assert.equal(storage.compacted, 10)
          await assert.rejects(storage.getAt('core/pods/a/p1', 9), { name: 'RevisionCompacted', compacted: 10 })
          await assert.rejects(storage.pageAt('core/pods/', 9, {}), { name: 'RevisionCompacted' })
          assert.throws(() => storage.subscribe(9, () => {}), { name: 'RevisionCompacted' })
          await assert.rejects(readAll(storage.changes(9, 20)), { name: 'RevisionCompacted' })
          await assert.rejects(storage.getAt('core/pods/a/p1', 22), { name: 'RevisionAhead' })
          await assert.rejects(storage.pageAt('core/pods/', 22, {}), { name: 'RevisionAhead' })
          assert.throws(() => storage.subscribe(22, () => {}), { name: 'RevisionAhead' })
          await assert.rejects(storage.compact(22), { name: 'RevisionAhead' })
          const at10 = await storage.pageAt('core/pods/', 10, {})
          assert.deepEqual(
            at10.entries.map((entry) => entry.value.toString()),
            ['v9@9', 'v10@10', 'v8@8'],
          )
          assert.deepEqual(
            (await readAll(storage.changes(10, 21))).map((change) => [change.revision, change.previous?.revision]),
            revisionsBetween(10, 21).map((revision) => [revision, revision === 21 ? 18 : revision - 3]),
          )
          await storage.compact(21)
          assert.equal((await storage.pageAt('core/pods/', 21, {})).entries.length, 2)
          assert.equal(storage.get('core/pods/a/p1')?.value.toString(), 'v19@19')
          assert.equal((await put(storage, 'core/pods/a/p1', 'next')).previous?.revision, 19)
          assert.equal((await storage.getAt('core/pods/a/p1', 21))?.value.toString(), 'v19@19')
        }))

      it('says when a revision was written and how much lies before it', () =>
        withStore(driver, { recent }, async ({ storage }) => {
          const before = clock.now()
          for (let n = 1; n <= 5; n++) await put(storage, 'core/nodes/n', 'x'.repeat(100 - 2))
          const [second, fifth] = [await storage.mark(2), await storage.mark(5)]
          assert.ok(second && fifth && second.time >= before && fifth.time >= second.time)
          assert.equal(fifth.bytes - second.bytes, 300)
          assert.equal(await storage.mark(6), undefined)
          await storage.compact(2)
          assert.equal(await storage.mark(2), undefined)
          assert.equal((await storage.mark(3))?.revision, 3)
        }))

      it('finds the last change that is not later than a time, among those that are there', () =>
        withStore(driver, { recent }, async ({ storage }) => {
          assert.equal(await storage.oldestMark(), undefined)
          assert.equal(await storage.markAt(clock.now()), undefined)
          for (let n = 1; n <= 8; n++) {
            // So that times differ, whatever else has its turn.
            for (const before = clock.now(); clock.now() <= before; ) await nextTurn()
            await put(storage, 'core/nodes/n', `v${n}`)
          }
          const marks: Mark[] = []
          for (let revision = 1; revision <= storage.revision; revision++) {
            const mark = await storage.mark(revision)
            if (mark) marks.push(mark)
          }
          assert.ok(marks.length >= 8)
          const latestAt = (time: number) => marks.findLast((mark) => mark.time <= time)?.revision
          for (const { time } of marks) {
            for (const near of [time - 1, time, time + 1]) assert.equal((await storage.markAt(near))?.revision, latestAt(near))
          }
          assert.deepEqual(await storage.oldestMark(), marks[0])
          await storage.compact(marks[3]!.revision)
          assert.equal(await storage.markAt(marks[3]!.time), undefined)
          assert.equal((await storage.markAt(marks[4]!.time))?.revision, latestAt(marks[4]!.time))
          assert.equal((await storage.oldestMark())?.revision, marks[4]!.revision)
        }))
    })
  }
}
