import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { openLevelStorage } from '../../apiserver/storage/leveldb-storage.ts'
import type { Change, Storage } from '../../apiserver/storage/storage.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { revisionsBetween } from '../contract/storage-driver.ts'
import { bytesOf, type CrashOrder } from './storage-crash-writer.ts'

/** `COXSWAIN_CRASH_ROUNDS=1000` for a night. */
const ROUNDS = Number(process.env['COXSWAIN_CRASH_ROUNDS'] ?? 80)
const SEED = Number(process.env['COXSWAIN_CRASH_SEED'] ?? 20_261_123)
const clock = realClock()

/** What was told of a revision: by an acknowledgement (with the text), or by a watch. */
interface Told {
  readonly type: string
  readonly key: string
  readonly text: string | undefined
}

/** Everything the outside world has been told by processes that are dead now. */
class Witness {
  readonly acknowledged = new Map<number, Told>()
  readonly shown = new Map<number, Told>()
  seen = 0
  openedEarly = 0

  hear(line: string): void {
    const [word, number, type = '', key = '', text] = line.split(' ')
    const revision = Number(number)
    if (word === 'acknowledged') {
      assert.ok(!this.acknowledged.has(revision), `revision ${revision} was acknowledged twice`)
      this.acknowledged.set(revision, { type, key, text })
    } else if (word === 'shown') {
      assert.equal(revision, this.seen + 1, 'a watch goes on exactly where it ended, also in another process')
      this.shown.set(revision, { type, key, text: undefined })
      this.seen = revision
    }
  }
}

/** A writer process that has loaded its code and waits for its order: starting the next one overlaps with the round before. */
function startWriter(): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'storage-crash-writer.ts')], { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Lets the writer work, kills it at a seeded instant, and hears out what it had said. */
async function killedRound(writer: ChildProcess, order: CrashOrder, witness: Witness, random: Random): Promise<void> {
  assert.ok(writer.stdin && writer.stdout)
  const lines = createInterface({ input: writer.stdout })
  const opened = Promise.withResolvers<void>()
  let working = false
  lines.on('line', (line) => {
    if (line.startsWith('opened ')) {
      working = true
      opened.resolve()
    } else witness.hear(line)
  })
  const closed = Promise.all([once(writer, 'exit'), once(lines, 'close')])
  writer.stdin.write(`${JSON.stringify(order)}\n`)
  // One in ten dies while it opens the store, the others while they write.
  if (random.fraction() < 0.1) await clock.sleep(random.fraction() * 25)
  else {
    await Promise.race([opened.promise, closed])
    await clock.sleep(random.fraction() ** 2 * 150)
  }
  if (!working) witness.openedEarly += 1
  writer.kill('SIGKILL')
  const [[, signal]] = await closed
  assert.equal(signal, 'SIGKILL', 'the writer died of nothing else')
}

async function openStore(directory: string): Promise<Storage> {
  return openLevelStorage({ directory, logger: silentLogger(), clock, facts: () => undefined, restamp: (value) => value })
}

async function readLog(storage: Storage): Promise<Change[]> {
  const changes: Change[] = []
  for await (const change of storage.changes(storage.compacted, storage.revision)) changes.push(change)
  return changes
}

/** Whether the store is what its dead writers said it is, and agrees with itself. */
async function verify(storage: Storage, witness: Witness): Promise<void> {
  const { compacted, revision } = storage
  const log = await readLog(storage)
  assert.deepEqual(
    log.map((change) => change.revision),
    revisionsBetween(compacted, revision),
    'revisions have no gap and no repeat',
  )
  const byRevision = new Map(log.map((change) => [change.revision, change]))
  for (const told of [witness.acknowledged, witness.shown]) {
    for (const [number, { type, key, text }] of told) {
      assert.ok(number <= revision, `revision ${number} was told and is lost`)
      const change = byRevision.get(number)
      if (change === undefined) {
        told.delete(number)
        continue
      }
      assert.deepEqual([change.type, change.key], [type, key], `revision ${number} is what was told`)
      if (text !== undefined && type === 'put')
        assert.ok(change.entry.value.equals(bytesOf(text, number)), `revision ${number} has the bytes that were written`)
    }
  }
  await verifyPresent(storage, log)
}

/** The log, replayed over the oldest state, must give the present; and each change must know what it replaced. */
async function verifyPresent(storage: Storage, log: readonly Change[]): Promise<void> {
  const state = new Map((await storage.pageAt('', storage.compacted, {})).entries.map((entry) => [entry.key, entry]))
  for (const change of log) {
    const before = state.get(change.key)
    assert.equal(change.previous?.revision, before?.revision, `what revision ${change.revision} replaced`)
    assert.ok(before === undefined || change.previous?.value.equals(before.value))
    if (change.type === 'put') state.set(change.key, change.entry)
    else state.delete(change.key)
  }
  const present = [...storage.entries('')]
  assert.deepEqual(
    present.map((entry) => entry.key),
    [...state.keys()].sort(),
  )
  for (const entry of present) {
    const replayed = state.get(entry.key)
    assert.deepEqual([replayed?.revision, replayed?.createRevision], [entry.revision, entry.createRevision])
    assert.ok(replayed?.value.equals(entry.value))
  }
}

/** What a watch sees that resumes from the last revision it was shown. */
async function resume(storage: Storage, witness: Witness): Promise<void> {
  if (witness.seen === storage.revision) return
  const target = storage.revision
  await new Promise<void>((resolve, reject) => {
    const subscription = storage.subscribe(
      witness.seen,
      (changes) => {
        try {
          for (const { revision, type, key } of changes) witness.hear(`shown ${revision} ${type} ${key}`)
        } catch (error) {
          reject(error)
        }
        if (witness.seen < target) return
        subscription.close()
        resolve()
      },
      reject,
    )
  })
}

it(`loses nothing it acknowledged or showed, over ${ROUNDS} kills`, { timeout: 300_000 }, async (test) => {
  test.diagnostic(`seed ${SEED} (COXSWAIN_CRASH_SEED repeats it)`)
  const random = seededRandom(SEED)
  const directory = await mkdtemp(join(tmpdir(), 'storage-crash-'))
  const witness = new Witness()
  const started = clock.monotonic()
  let acknowledged = 0
  let unacknowledged = 0
  let compactions = 0
  let revision = 0
  let next = startWriter()
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const writer = next
      next = startWriter()
      const before = witness.acknowledged.size
      await killedRound(writer, { directory, seed: SEED + round, seen: witness.seen }, witness, random)
      const told = witness.acknowledged.size - before
      const storage = await openStore(directory)
      await verify(storage, witness)
      await resume(storage, witness)
      acknowledged += told
      unacknowledged += storage.revision - revision - told
      if (storage.compacted > 0) compactions += 1
      revision = storage.revision
      await storage.close()
    }
  } finally {
    next.kill('SIGKILL')
    await rm(directory, { recursive: true })
  }
  const seconds = ((clock.monotonic() - started) / 1000).toFixed(1)
  test.diagnostic(
    `${ROUNDS} kills in ${seconds} s (${witness.openedEarly} while opening): ${acknowledged} writes acknowledged, ${unacknowledged} stored but not yet told, revision ${revision}`,
  )
  assert.equal(witness.seen, revision)
  assert.ok(
    acknowledged > ROUNDS * 10 && unacknowledged > 0 && compactions > ROUNDS / 2 && witness.openedEarly > 0,
    'the kills fell into work of every kind',
  )
})
