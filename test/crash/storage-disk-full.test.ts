import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { openLevelStorage } from '../../apiserver/storage/leveldb-storage.ts'
import { type Change, type Storage, StorageUnavailable } from '../../apiserver/storage/storage.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { revisionsBetween } from '../contract/storage-driver.ts'

const run = promisify(execFile)
const MEGABYTE = 2 ** 20

/** Time in which attempts to recover are never too early. */
function impatientClock(): Clock {
  let hours = 0
  return { ...realClock(), monotonic: () => ++hours * 3_600_000 }
}

/** Runs the body with a small disk of its own; skips, with the reason, where the machine does not allow one. */
async function withDisk(test: TestContext, megabytes: number, body: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'storage-full-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'storage-full', path])
  } catch (error) {
    await rmdir(path)
    return test.skip(`mounting a tmpfs is refused: ${error instanceof Error ? error.message.trim() : error}`)
  }
  try {
    await body(path)
  } finally {
    // Lazy: a store that the test could not close must not hide why.
    await run('umount', ['--lazy', path])
    await rmdir(path)
  }
}

const resize = (path: string, megabytes: number) => run('mount', ['-o', `remount,size=${megabytes}m`, path])

const open = (directory: string) =>
  openLevelStorage({ directory, logger: silentLogger(), clock: impatientClock(), facts: () => undefined, restamp: (value) => value })

/** Not compressible, so that the disk fills as fast as it looks. */
function bytesOf(n: number): Buffer {
  const random = seededRandom(n)
  return Buffer.from(Uint32Array.from({ length: 5_000 }, () => random.fraction() * 2 ** 32).buffer)
}

/** Concurrent writes until one fails; returns the error, and notes what was acknowledged. */
async function fill(storage: Storage, namespace: string, acknowledged: Map<string, Change>): Promise<unknown> {
  let failure: unknown
  let n = 0
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (failure === undefined) {
        const number = ++n
        try {
          const encode = () => bytesOf(number)
          const change = await storage.write({
            key: `core/configmaps/${namespace}/c${number}`,
            type: 'put',
            expect: 0,
            durability: 'synced',
            facts: undefined,
            encode,
          })
          acknowledged.set(change.key, change)
        } catch (error) {
          failure = error
        }
      }
    }),
  )
  return failure
}

function assertAllThere(storage: Storage, acknowledged: ReadonlyMap<string, Change>): void {
  for (const [key, change] of acknowledged) {
    const entry = storage.get(key)
    assert.equal(entry?.revision, change.revision, key)
    assert.ok(entry.value.equals(change.entry.value), key)
  }
}

it('survives a disk that fills up, and goes on when there is room again', { timeout: 120_000 }, (test) =>
  withDisk(test, 32, async (path) => {
    const directory = join(path, 'store')
    const acknowledged = new Map<string, Change>()
    const shown: number[] = []
    const storage = await open(directory)
    const note = () =>
      storage.write({
        key: 'core/nodes/n',
        type: 'put',
        expect: undefined,
        durability: 'synced',
        facts: undefined,
        encode: () => Buffer.from('note'),
      })
    storage.subscribe(
      0,
      (changes) => shown.push(...changes.map((change) => change.revision)),
      () => {},
    )
    const failure = await fill(storage, 'a', acknowledged)
    assert.ok(failure instanceof StorageUnavailable, String(failure))
    assert.ok(acknowledged.size > 100)
    test.diagnostic(`after ${acknowledged.size} writes: ${failure.message}`)

    assertAllThere(storage, acknowledged)
    for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(note(), StorageUnavailable)
    assert.equal((await storage.pageAt('core/configmaps/', 50, {})).entries.length, 50)
    assert.ok((await storage.getAt('core/configmaps/a/c1', acknowledged.size))?.value.equals(bytesOf(1)))

    await resize(path, 80)
    const recovered = await note()
    assertAllThere(storage, acknowledged)
    test.diagnostic(`room again: revision ${recovered.revision}`)
    assert.ok((await fill(storage, 'b', acknowledged)) instanceof StorageUnavailable)
    assertAllThere(storage, acknowledged)
    await storage.close()
    assert.deepEqual(shown, revisionsBetween(0, storage.revision))

    await resize(path, 160)
    const again = await open(directory)
    assertAllThere(again, acknowledged)
    const log: number[] = []
    for await (const change of again.changes(0, again.revision)) log.push(change.revision)
    assert.deepEqual(log, revisionsBetween(0, again.revision))
    await again.close()
  }),
)

it('says that the disk is full when it cannot even open the store', (test) =>
  withDisk(test, 1, async (path) => {
    await assert.rejects(writeFile(join(path, 'other'), Buffer.alloc(2 * MEGABYTE, 1)), { code: 'ENOSPC' })
    await assert.rejects(open(path), { name: 'StorageRefused', message: /because the disk of .* is full: .*free some space/ })
  }))
