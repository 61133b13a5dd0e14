import { createInterface } from 'node:readline'
import { openLevelStorage } from '../../apiserver/storage/leveldb-storage.ts'
import { type Storage, StorageConflict } from '../../apiserver/storage/storage.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'

/** What the test tells a writer process, as one line of JSON on stdin. */
export interface CrashOrder {
  readonly directory: string
  readonly seed: number
  /** The newest revision the test has been shown; the process goes on showing from there. */
  readonly seen: number
}

const WRITERS = 12
const KEYS = 40
/** Revisions that stay readable behind the newest one; small, so that kills fall into compactions too. */
const KEPT = 300

/** The bytes stored for a text: a few hundred to a few thousand, so that batches cross LevelDB's block borders. */
export function bytesOf(text: string, revision: number): Buffer {
  return Buffer.from(`${text}@${revision} ${'x'.repeat((revision * 7919) % 3_000)}`)
}

/** Pipes are written synchronously, so a line that was written survives the kill of its writer. */
const report = (line: string) => process.stdout.write(`${line}\n`)

async function write(storage: Storage, random: Random, writer: number, seed: number): Promise<void> {
  for (let n = 0; ; n++) {
    const key = `core/pods/default/p${Math.floor(random.fraction() * KEYS)}`
    const current = random.fraction() < 0.5 ? storage.newest(key) : storage.get(key)
    const type = current !== undefined && random.fraction() < 0.3 ? 'delete' : 'put'
    const durability = random.fraction() < 0.4 ? 'relaxed' : 'synced'
    const text = `${seed}-${writer}-${n}`
    const encode = (revision: number) => bytesOf(text, revision)
    const wish = { key, durability, expect: current?.revision ?? 0 } as const
    try {
      const change = await storage.write(type === 'put' ? { ...wish, type, facts: undefined, encode } : { ...wish, type })
      report(`acknowledged ${change.revision} ${type} ${key} ${text}`)
    } catch (error) {
      if (!(error instanceof StorageConflict)) throw error
    }
  }
}

/** What was not shown yet stays: on a slow machine a process may be killed before it has caught up. */
async function compactForEver(storage: Storage, random: Random, shown: () => number): Promise<void> {
  const clock = realClock()
  for (;;) {
    await clock.sleep(random.fraction() * 40)
    const to = Math.min(storage.revision - KEPT, shown())
    if (to > storage.compacted) await storage.compact(to)
  }
}

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })
  const first: IteratorResult<string, undefined> = await lines[Symbol.asyncIterator]().next()
  if (first.done) return
  const { directory, seed, seen }: CrashOrder = JSON.parse(first.value)
  const storage = await openLevelStorage({
    directory,
    logger: silentLogger(),
    clock: realClock(),
    facts: () => undefined,
    restamp: (value) => value,
  })
  report(`opened ${storage.revision}`)
  let shown = seen
  storage.subscribe(seen, (changes) => {
    for (const { revision, type, key } of changes) report(`shown ${revision} ${type} ${key}`)
    shown = changes.at(-1)?.revision ?? shown
  })
  const random = seededRandom(seed)
  await Promise.all([
    compactForEver(storage, random, () => shown),
    ...Array.from({ length: WRITERS }, (_, writer) => write(storage, random, writer, seed)),
  ])
}

if (import.meta.main) await main()
