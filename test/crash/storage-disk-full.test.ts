import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
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

/** A small disk of its own; undefined with the reason when this machine does not allow one. */
async function mountDisk(): Promise<{ path: string } | { refused: string }> {
  const path = await mkdtemp(join(tmpdir(), 'storage-full-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'storage-full', path])
    return { path }
  } catch (error) {
    await rmdir(path)
    return { refused: `mounting a tmpfs is refused: ${error instanceof Error ? error.message.trim() : error}` }
  }
}

const open = (directory: string) => openLevelStorage({ directory, logger: silentLogger(), clock: impatientClock(), facts: () => undefined })

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

it('survives a disk that fills up, and goes on when there is room again', { timeout: 120_000 }, async (test) => {
  const disk = await mountDisk()
  if ('refused' in disk) return test.skip(disk.refused)
  const directory = join(disk.path, 'store')
  const ballast = join(disk.path, 'ballast')
  const acknowledged = new Map<string, Change>()
  const note = (key: string) =>
    storage.write({ key, type: 'put', expect: undefined, durability: 'synced', facts: undefined, encode: () => Buffer.from('note') })
  await writeFile(ballast, Buffer.alloc(24 * MEGABYTE, 1))
  let storage = await open(directory)
  try {
    const shown: number[] = []
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
    for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(note('core/nodes/n'), StorageUnavailable)
    assert.equal((await storage.pageAt('core/configmaps/', 50, {})).entries.length, 50)
    assert.equal((await storage.getAt('core/configmaps/a/c1', acknowledged.size))?.value.equals(bytesOf(1)), true)

    await rm(ballast)
    const recovered = await note('core/nodes/n')
    assertAllThere(storage, acknowledged)
    test.diagnostic(`room again: revision ${recovered.revision}`)
    await storage.close()
    assert.deepEqual(shown, revisionsBetween(0, recovered.revision))

    storage = await open(directory)
    assert.equal(storage.revision, recovered.revision)
    assertAllThere(storage, acknowledged)
    const log: number[] = []
    for await (const change of storage.changes(0, storage.revision)) log.push(change.revision)
    assert.deepEqual(log, revisionsBetween(0, recovered.revision))

    assert.ok((await fill(storage, 'b', acknowledged)) instanceof StorageUnavailable)
    assertAllThere(storage, acknowledged)
    await storage.close()
    await assert.rejects(open(directory), { name: 'StorageRefused', message: /because the disk of .* is full: .*free some space/ })
  } finally {
    await storage.close()
    await run('umount', [disk.path])
    await rmdir(disk.path)
  }
})
