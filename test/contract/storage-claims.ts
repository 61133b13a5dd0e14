import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClaimChanges, ClaimsTaken, TooManyClaims } from '../../apiserver/storage/claims.ts'
import { type Storage, StorageConflict } from '../../apiserver/storage/storage.ts'
import { Collector, readAll, type StorageDriver, wish, withStore } from './storage-driver.ts'

const [ONE, TWO] = ['core/services/a/one', 'core/services/a/two'] as const

/** What only one object may have. */
export function storageClaimsSuite(driver: StorageDriver): void {
  describe(`${driver.name}: claims`, () => {
    if (!driver.isShared) {
      it('are decided by the memory of the one process that writes', () =>
        withStore(driver, {}, async ({ storage }) => assert.equal(storage.claims, undefined)))
      return
    }

    it('are taken with a write, keep others from writing, and are free when their holder goes', () =>
      withStore(driver, {}, async ({ storage }) => {
        await write(storage, ONE, { take: ['ports/1', 'ports/2'] })
        assert.deepEqual(await heldBy(storage), { 'ports/1': ONE, 'ports/2': ONE })
        const taken = await refused(write(storage, TWO, { take: ['ports/3', 'ports/2'] }))
        assert.deepEqual(
          [...taken.holdings].map(([name, { holder }]) => [name, holder]),
          [['ports/2', ONE]],
        )
        assert.equal(storage.get(TWO), undefined)
        assert.equal((await heldBy(storage))['ports/3'], undefined)
        const claims = { take: [], release: ['ports/1', 'ports/2'] }
        await storage.write({ type: 'delete', key: ONE, expect: storage.get(ONE)?.revision, durability: 'synced', claims })
        await write(storage, TWO, { take: ['ports/3', 'ports/2'] })
        assert.deepEqual(await heldBy(storage), { 'ports/2': TWO, 'ports/3': TWO })
      }))

    it('change with an update, and what is not the holder’s is not given back by it', () =>
      withStore(driver, {}, async ({ storage }) => {
        const { revision } = await write(storage, ONE, { take: ['ports/1'] })
        await write(storage, TWO, { take: ['ports/2'] })
        await write(storage, ONE, { take: ['ports/3'], release: ['ports/1', 'ports/2', 'ports/none'] }, revision)
        assert.deepEqual(await heldBy(storage), { 'ports/2': TWO, 'ports/3': ONE })
      }))

    it('are had from their holder by who says as whose they were found', () =>
      withStore(driver, {}, async ({ storage }) => {
        await write(storage, ONE, { take: ['ports/1'] })
        const from = (await refused(write(storage, TWO, { take: ['ports/1'] }))).holdings.get('ports/1')
        assert.ok(from)
        const claims = { take: [{ name: 'ports/1', from }], release: [] }
        await storage.write({ ...wish(TWO, 'red', { expect: 0 }), claims })
        assert.deepEqual(await heldBy(storage), { 'ports/1': TWO })
        await refused(storage.write({ ...wish('core/services/a/three', 'red', { expect: 0 }), claims }))
      }))

    it('do not hide that the object is another one', () =>
      withStore(driver, {}, async ({ storage }) => {
        await write(storage, ONE, { take: ['ports/1'] })
        await write(storage, TWO, {})
        await assert.rejects(write(storage, TWO, { take: ['ports/1'] }), StorageConflict)
      }))

    it('are no changes: nobody lists, follows or counts them', () =>
      withStore(driver, {}, async ({ storage }) => {
        const seen = new Collector(storage, storage.revision)
        const { revision } = await write(storage, ONE, { take: ['ports/1', 'ports/2'] })
        const { revision: last } = await write(storage, ONE, { take: ['ports/3'], release: ['ports/1'] }, revision)
        await seen.reached(last)
        assert.deepEqual(
          seen.changes.map(({ key }) => key),
          [ONE, ONE],
        )
        assert.deepEqual(
          Array.from(storage.entries(''), ({ key }) => key),
          [ONE],
        )
        assert.deepEqual(
          (await readAll(storage.changes(0, last))).map(({ key }) => key),
          [ONE, ONE],
        )
      }))

    it('of many writes at once are given to one each', () =>
      withStore(driver, {}, async ({ storage }) => {
        const writes = Array.from({ length: 60 }, (_, n) => write(storage, `core/services/a/s${n}`, { take: [`ports/${n % 20}`] }))
        const outcomes = await Promise.allSettled(writes)
        assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 20)
        const held = await heldBy(storage)
        assert.equal(Object.keys(held).length, 20)
        for (const key of Object.values(held)) assert.ok(storage.get(key), key)
      }))

    it('are refused where they are too many for one write, and written up to there', () =>
      withStore(driver, {}, async ({ storage }) => {
        const many = (count: number) => Array.from({ length: count }, (_, n) => `ports/${n}`)
        const error = await write(storage, ONE, { take: many(10_000) }).then(
          () => assert.fail('10,000 claims in one write'),
          (reason: unknown) => reason,
        )
        assert.ok(error instanceof TooManyClaims)
        assert.equal(storage.get(ONE), undefined)
        const { revision } = await write(storage, ONE, { take: many(error.most) })
        await write(storage, ONE, { release: many(error.most) }, revision)
        assert.deepEqual(await heldBy(storage), {})
      }))

    it('are given and taken away by their keeper, unless they or their object have changed', () =>
      withStore(driver, {}, async ({ storage }) => {
        const book = storage.claims
        assert.ok(book)
        const { revision } = await write(storage, ONE, {})
        assert.equal(await book.settle('ports/1', undefined, { key: ONE, revision: revision - 1 }, true), false)
        assert.equal(await book.settle('ports/1', undefined, { key: ONE, revision }, true), true)
        assert.equal(await book.settle('ports/1', undefined, { key: TWO, revision: 0 }, true), false)
        const [found] = await readAll(book.all())
        assert.equal(found?.holder, ONE)
        assert.equal(await book.settle('ports/1', found, { key: ONE, revision: 0 }, false), false)
        assert.equal(await book.settle('ports/1', found, { key: ONE, revision }, false), true)
        assert.deepEqual(await heldBy(storage), {})
      }))
  })
}

function write(storage: Storage<string>, key: string, { take = [], release = [] }: { take?: string[]; release?: string[] }, expect = 0) {
  const claims: ClaimChanges = { take: take.map((name) => ({ name })), release }
  return storage.write({ ...wish(key, 'red', { expect }), claims })
}

async function heldBy(storage: Storage<string>): Promise<Record<string, string>> {
  assert.ok(storage.claims)
  return Object.fromEntries((await readAll(storage.claims.all())).map(({ name, holder }) => [name, holder]))
}

async function refused(writing: Promise<unknown>): Promise<ClaimsTaken> {
  const reason = await writing.then(
    () => assert.fail('the claim is another’s'),
    (error: unknown) => error,
  )
  assert.ok(reason instanceof ClaimsTaken, String(reason))
  return reason
}
