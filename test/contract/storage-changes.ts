import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Collector, put, remove, revisionsBetween, type StorageDriver, TINY_RECENT, turn, withStore } from './storage-driver.ts'

/** Subscriptions: every change once, in order, whatever happens beside. */
export function storageChangesSuite(driver: StorageDriver): void {
  for (const recent of [undefined, TINY_RECENT]) {
    describe(`${driver.name}: subscriptions, ${recent === undefined ? 'from memory' : 'from the log'}`, () => {
      it('gives what was committed already, then what comes', () =>
        withStore(driver, { recent }, async ({ storage }) => {
          for (let n = 0; n < 20; n++) await put(storage, `core/pods/a/p${n % 4}`, `v${n}`)
          const collectors = [0, 7, 19, 20].map((from) => ({ from, collector: new Collector(storage, from) }))
          await remove(storage, 'core/pods/a/p0')
          await put(storage, 'core/pods/a/p9', 'new')
          for (const { from, collector } of collectors) {
            await collector.reached(22)
            assert.deepEqual(collector.revisions, revisionsBetween(from, 22))
          }
          const all = collectors[0]!.collector.changes
          for (const change of all) {
            const before = all.findLast((other) => other.key === change.key && other.revision < change.revision)
            const previous = before?.type === 'put' ? before.entry.value.toString() : undefined
            assert.equal(change.previous?.value.toString(), previous, `previous of ${change.revision}`)
            assert.equal(change.entry.revision, change.revision)
          }
        }))

      it('skips, doubles and reorders nothing while writers, compaction and other subscribers go on', () =>
        withStore(driver, { recent }, async ({ storage }) => {
          const total = 1_500 * (driver.share ?? 1)
          const collectors: { from: number; collector: Collector }[] = [{ from: 0, collector: new Collector(storage, 0) }]
          let written = 0
          const writers = Array.from({ length: 8 }, async (_, writer) => {
            while (written < total) {
              written += 1
              const durability = written % 2 === 0 ? 'synced' : 'relaxed'
              await put(storage, `core/pods/a/p${(written * 7 + writer) % 50}`, 'x', { durability })
              if (written % Math.round(40 * (driver.share ?? 1)) === 0) {
                const from = Math.max(storage.compacted, storage.revision - (written % 200))
                collectors.push({ from, collector: new Collector(storage, from) })
              }
            }
          })
          await Promise.all(writers)
          for (const { from, collector } of collectors) {
            await collector.reached(storage.revision)
            assert.equal(collector.ended, undefined)
            assert.deepEqual(collector.revisions, revisionsBetween(from, storage.revision))
          }
          assert.ok(storage.revision >= total && collectors.length > 20)
        }))
    })
  }

  describe(`${driver.name}: how changes are delivered`, () => {
    it('acknowledges first and delivers in a later turn, in one batch', { skip: !driver.numbersAhead && 'others write too' }, () =>
      withStore(driver, {}, async ({ storage }) => {
        const order: string[] = []
        storage.subscribe(0, (changes) => order.push(`delivered ${changes.length}`))
        await Promise.all([1, 2, 3].map((n) => put(storage, `core/pods/a/p${n}`, 'x').then(() => order.push('acknowledged'))))
        assert.deepEqual(order, ['acknowledged', 'acknowledged', 'acknowledged'])
        await turn()
        assert.deepEqual(order.slice(3), ['delivered 3'])
      }),
    )

    it('never calls the listener from within subscribe', () =>
      withStore(driver, {}, async ({ storage }) => {
        await put(storage, 'core/pods/a/one', 'x')
        let subscribed = false
        const called = Promise.withResolvers<boolean>()
        storage.subscribe(0, () => called.resolve(subscribed))
        subscribed = true
        assert.equal(await called.promise, true)
      }))

    it('gives subscribers at the same place the same array', () =>
      withStore(driver, {}, async ({ storage }) => {
        const arrays: unknown[] = []
        for (let n = 0; n < 3; n++) storage.subscribe(0, (changes) => arrays.push(changes))
        await put(storage, 'core/pods/a/one', 'x')
        await turn()
        assert.equal(arrays.length, 3)
        assert.ok(arrays.every((array) => array === arrays[0]))
      }))

    it('calls nothing after close, not even when closed by a listener', () =>
      withStore(driver, {}, async ({ storage }) => {
        let calls = 0
        const own = storage.subscribe(0, () => {
          calls += 1
          own.close()
          other.close()
        })
        const other = storage.subscribe(0, () => assert.fail('closed by the listener before'))
        const closed = storage.subscribe(0, () => assert.fail('closed at once'))
        closed.close()
        closed.close()
        const last = new Collector(storage, 0)
        await put(storage, 'core/pods/a/one', 'x')
        await put(storage, 'core/pods/a/one', 'y')
        await last.reached(2)
        assert.equal(calls, 1)
      }))

    it('ends the subscription of a listener that throws, and no other', () =>
      withStore(driver, {}, async ({ storage }) => {
        const ended: Error[] = []
        const failing = () => {
          throw new Error('cannot go on')
        }
        storage.subscribe(0, failing, (reason) => ended.push(reason))
        const other = new Collector(storage, 0)
        await put(storage, 'core/pods/a/one', 'x')
        await put(storage, 'core/pods/a/one', 'y')
        await other.reached(2)
        assert.deepEqual(
          ended.map((reason) => reason.message),
          ['cannot go on'],
        )
        assert.deepEqual(other.revisions, [1, 2])
      }))

    it('ends a subscription whose log is compacted away before it was read', () =>
      withStore(driver, { recent: TINY_RECENT }, async ({ storage }) => {
        for (let n = 0; n < 20; n++) await put(storage, 'core/pods/a/one', `${n}`)
        const late = new Collector(storage, 2)
        const fine = new Collector(storage, 15)
        await storage.compact(15)
        await late.end()
        assert.equal(late.ended?.name, 'RevisionCompacted')
        assert.deepEqual(late.revisions, [])
        await fine.reached(20)
        assert.deepEqual(fine.revisions, revisionsBetween(15, 20))
      }))
  })
}
