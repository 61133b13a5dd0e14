// What the store does on this machine, beside what bare LevelDB does in the same run. `tools/node bench/storage.ts [directory]`
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { openLevelStorage } from '../apiserver/storage/leveldb-storage.ts'
import { type Storage, StorageConflict } from '../apiserver/storage/storage.ts'
import { silentLogger } from '../shared/logging/logger.ts'
import { realClock } from '../shared/time/clock.ts'

const clock = realClock()
const SECONDS = 2
const open = (directory: string) =>
  openLevelStorage({ directory, logger: silentLogger(), clock, facts: () => undefined, restamp: (value) => value })

/** JSON as compressible as a pod. */
function podLike(bytes: number, n: number): Buffer {
  const parts: unknown[] = [{ uid: `${n}-${(n * 2_654_435_761) % 2 ** 32}`, name: `web-${n}` }]
  while (JSON.stringify(parts).length < bytes)
    parts.push({ name: `field-${parts.length * 7919}`, value: `value ${(n * parts.length * 31) % 9973}` })
  return Buffer.from(JSON.stringify(parts).slice(0, bytes))
}

const samples = Array.from({ length: 64 }, (_, n) => podLike(1_500, n))
const sample = (n: number) => samples[n % samples.length]!

/** Runs `action` from `concurrency` loops for a while; returns how many per second. */
async function rate(concurrency: number, action: (n: number) => Promise<unknown>): Promise<number> {
  const started = clock.monotonic()
  let n = 0
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (clock.monotonic() - started < SECONDS * 1_000) await action(n++)
    }),
  )
  return (n * 1_000) / (clock.monotonic() - started)
}

function row(name: string, value: string, ratio = ''): void {
  console.log(`${name.padEnd(52)} ${value.padStart(14)}  ${ratio}`)
}

const perSecond = (value: number) => `${Math.round(value).toLocaleString('en')} /s`

async function benchWrites(root: string): Promise<void> {
  const raw = new Level<string, Buffer>(join(root, 'raw'), { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  await raw.open()
  const storage = await open(join(root, 'writes'))
  let n = 0
  for (const concurrency of [1, 16, 64]) {
    const bare = await rate(concurrency, (k) => raw.put(`k${k}`, sample(k), { sync: true } as object))
    const synced = await rate(concurrency, () => create(storage, n++, 'synced'))
    row(`bare LevelDB, synced put, ${concurrency} at a time`, perSecond(bare))
    row(`store, synced create, ${concurrency} at a time`, perSecond(synced), `${(synced / bare).toFixed(1)} × bare`)
  }
  const bare = await rate(64, (k) => raw.put(`k${k}`, sample(k)))
  const relaxed = await rate(64, () => create(storage, n++, 'relaxed'))
  row('bare LevelDB, unsynced put, 64 at a time', perSecond(bare))
  row('store, relaxed create, 64 at a time', perSecond(relaxed), `${(relaxed / bare).toFixed(1)} × bare`)
  await benchContention(storage)
  await benchCompaction(storage)
  await raw.close()
  await storage.close()
}

function create(storage: Storage, n: number, durability: 'synced' | 'relaxed'): Promise<unknown> {
  return storage.write({ key: `core/pods/default/web-${n}`, type: 'put', expect: 0, durability, facts: undefined, encode: () => sample(n) })
}

/** 16 writers of one object, each basing its write on what it last saw. */
async function benchContention(storage: Storage): Promise<void> {
  for (const base of ['get', 'newest'] as const) {
    let conflicts = 0
    const tries = await rate(16, async (n) => {
      const expect = storage[base]('core/nodes/n')?.revision ?? 0
      await storage
        .write({ key: 'core/nodes/n', type: 'put', expect, durability: 'synced', facts: undefined, encode: () => sample(n) })
        .catch((error: unknown) => {
          if (!(error instanceof StorageConflict)) throw error
          conflicts += 1
        })
    })
    row(`store, 16 writers of one object, based on ${base}`, perSecond(tries - conflicts / SECONDS), `${conflicts} conflicts`)
  }
}

/** The slowest of paced writes, first alone, then while a long log is being compacted. */
async function benchCompaction(storage: Storage): Promise<void> {
  const slowest = async (busy: () => boolean) => {
    let worst = 0
    for (let n = 0; n < 50 || busy(); n++) {
      const started = clock.monotonic()
      await storage.write({
        key: 'core/nodes/paced',
        type: 'put',
        expect: undefined,
        durability: 'synced',
        facts: undefined,
        encode: () => sample(n),
      })
      worst = Math.max(worst, clock.monotonic() - started)
    }
    return worst
  }
  const alone = await slowest(() => false)
  let compacting = true
  const forgotten = storage.revision - storage.compacted
  const started = clock.monotonic()
  const compaction = storage.compact(storage.revision).then(() => {
    compacting = false
    return clock.monotonic() - started
  })
  const beside = await slowest(() => compacting)
  const took = await compaction
  row(`compaction of ${forgotten.toLocaleString('en')} revisions`, `${took.toFixed(0)} ms`, perSecond((forgotten * 1_000) / took))
  row('slowest synced write alone / beside that compaction', `${alone.toFixed(1)} / ${beside.toFixed(1)} ms`)
}

/** Restart and lists with 10,000 pods of 3.6 KB: measured in a process of its own. */
async function benchRestart(root: string): Promise<void> {
  const directory = join(root, 'restart')
  const storage = await open(directory)
  const write = (n: number) => {
    const encode = () => podLike(3_600, n)
    return storage.write({
      key: `core/pods/ns-${n % 20}/web-${n}`,
      type: 'put',
      expect: 0,
      durability: 'relaxed',
      facts: undefined,
      encode,
    })
  }
  for (let start = 0; start < 10_000; start += 500) await Promise.all(Array.from({ length: 500 }, (_, index) => write(start + index)))
  await storage.close()
  for (let run = 0; run < 3; run++)
    console.log(execFileSync(process.execPath, [import.meta.filename, '--restart', directory], { encoding: 'utf8' }).trimEnd())
}

async function measureRestart(directory: string): Promise<void> {
  const before = process.memoryUsage().rss
  const started = clock.monotonic()
  const storage = await open(directory)
  const opened = clock.monotonic()
  let bytes = 0
  for (const entry of storage.entries('core/pods/')) bytes += entry.value.length
  const listed = clock.monotonic()
  const grown = (process.memoryUsage().rss - before) / 2 ** 20
  row(
    'open with 10,000 × 3.6 KB',
    `${(opened - started).toFixed(0)} ms`,
    `+${grown.toFixed(0)} MiB for ${(bytes / 2 ** 20).toFixed(0)} MiB of values`,
  )
  row('walk over all of them', `${(listed - opened).toFixed(1)} ms`)
  await storage.close()
}

if (process.argv[2] === '--restart') await measureRestart(process.argv[3]!)
else {
  const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'bench-storage-'))
  try {
    await benchWrites(root)
    await benchRestart(root)
  } finally {
    await rm(root, { recursive: true })
  }
}
