import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openDamagedStore } from '../../apiserver/storage/damaged-store.ts'
import { openLevelStorage } from '../../apiserver/storage/leveldb-storage.ts'
import type { Storage } from '../../apiserver/storage/storage.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { put, remove } from '../contract/storage-driver.ts'

/**
 * Whatever one does to one file of a store, it is opened whole or not at all; and what is read of a damaged one is sound. The stores are as
 * they lie after a regular end and after a kill, with several tables, a log and a history.
 */
const CASES = 300
/** Each opening makes a table of what the log held. */
const SESSIONS = 4
const EVENTS = 600

type Contents = ReadonlyMap<string, string>
interface Specimen {
  readonly directory: string
  readonly contents: Contents
  readonly revision: number
}

const options = (directory: string) => ({
  directory,
  logger: silentLogger(),
  clock: realClock(),
  facts: () => 'none',
  restamp: (value: Buffer) => value,
  bootId: 'the same all the time',
})

const contentsOf = (storage: Storage<string>): Contents =>
  new Map([...storage.entries('core/pods/'), ...storage.entries('apps/deployments/')].map(({ key, value }) => [key, value.toString()]))

async function makeSpecimen(folder: string, isKilled: boolean): Promise<Specimen> {
  const directory = join(folder, isKilled ? 'killed' : 'closed')
  const random = seededRandom(isKilled ? 1 : 2)
  for (let session = 1; ; session++) {
    const storage = await openLevelStorage(options(directory))
    await fill(storage, random)
    if (session === SESSIONS / 2) await storage.compact(storage.revision - EVENTS / 2)
    const specimen = { directory, contents: contentsOf(storage), revision: storage.revision }
    if (session === SESSIONS && isKilled) return asKilled(specimen, storage, join(folder, 'as-killed'))
    await storage.close()
    if (session === SESSIONS) return specimen
  }
}

async function fill(storage: Storage<string>, random: Random): Promise<void> {
  const writes: Promise<unknown>[] = []
  for (let n = 0; n < EVENTS; n++) {
    const key = `core/pods/default/p${Math.floor(random.fraction() * 800)}`
    const text = Array.from({ length: 60 }, () => random.nameSuffix(16)).join('')
    const isDelete = random.fraction() < 0.2 && storage.newest(key) !== undefined
    writes.push(isDelete ? remove(storage, key) : put(storage, key, text, { durability: 'relaxed' }))
    if (n % 100 === 0) await Promise.all(writes)
  }
  for (let n = 0; n < 5; n++) writes.push(put(storage, `apps/deployments/default/d${n}`, `last ${n}`))
  await Promise.all(writes)
}

/** What lies there now is what a kill would leave. */
async function asKilled(specimen: Specimen, storage: Storage<string>, directory: string): Promise<Specimen> {
  await cp(specimen.directory, directory, { recursive: true })
  await storage.close()
  return { ...specimen, directory }
}

/** One thing done to one file; answers what, for the message. */
async function harm(directory: string, random: Random): Promise<string> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.fraction() * from.length)] as T
  const names = (await readdir(directory)).filter((name) => name !== 'LOCK' && name !== 'LOG' && name !== 'LOG.old')
  const name = pick(names.sort())
  const path = join(directory, name)
  const { size } = await stat(path)
  const how = pick(['flip a bit', 'flip a bit', 'zero a page', 'cut', 'remove'])
  const at = Math.floor(random.fraction() * size)
  if (how === 'remove') await rm(path)
  else if (how === 'cut') await truncate(path, at)
  else {
    const bytes = await readFile(path)
    if (how === 'flip a bit') bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random.fraction() * 8))
    else bytes.fill(0, at, Math.min(at + 4_096, size))
    await writeFile(path, bytes)
  }
  return `${how} of ${name} at ${at} of ${size}`
}

let folder: string
let specimens: Specimen[]
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-damage-'))
  specimens = [await makeSpecimen(folder, false), await makeSpecimen(folder, true)]
})
after(() => rm(folder, { recursive: true, force: true }))

test('the specimens themselves open whole', async () => {
  for (const { directory, contents, revision } of specimens) {
    const copy = join(folder, 'unharmed')
    await cp(directory, copy, { recursive: true })
    const storage = await openLevelStorage(options(copy))
    assert.equal(storage.revision, revision)
    assert.deepEqual(contentsOf(storage), contents)
    await storage.close()
    await rm(copy, { recursive: true })
  }
})

test(`${CASES} times one thing is done to one file: it opens whole or is refused in words, twice`, async () => {
  const random = seededRandom(20_261_128)
  const outcomes = { whole: 0, refused: 0 }
  for (let n = 0; n < CASES; n++) {
    const specimen = specimens[n % specimens.length]!
    const directory = join(folder, `case-${n}`)
    await cp(specimen.directory, directory, { recursive: true })
    const what = `case ${n}, ${specimen === specimens[0] ? 'closed' : 'killed'}: ${await harm(directory, random)}`
    const outcome = await outcomeOf(directory, specimen, what)
    outcomes[outcome]++
    if (outcome === 'refused') {
      assert.equal(await outcomeOf(directory, specimen, `${what}, again`), 'refused', `${what}: not refused again`)
      if (n % 10 === 0) await readsSound(directory, specimen, what)
    }
    await rm(directory, { recursive: true })
  }
  process.stdout.write(`# ${outcomes.refused} refused, ${outcomes.whole} opened whole\n`)
  assert.ok(outcomes.refused > CASES / 2, `only ${outcomes.refused} of ${CASES} were noticed: the harm is too mild`)
})

async function outcomeOf(directory: string, { contents, revision }: Specimen, what: string): Promise<'whole' | 'refused'> {
  let storage: Storage<string>
  try {
    storage = await openLevelStorage(options(directory))
  } catch (error) {
    assert.ok(error instanceof Error && error.name === 'StorageRefused', `${what}: ${error}`)
    assert.match(error.message, /is damaged: .+; restore the directory from a backup, or start with --open-damaged-store/, what)
    return 'refused'
  }
  try {
    assert.equal(storage.revision, revision, what)
    assert.deepEqual(contentsOf(storage), contents, what)
  } finally {
    await storage.close()
  }
  return 'whole'
}

/** Nothing that is read is anything but what was once written, most of it is there, and nothing is written. */
async function readsSound(directory: string, { contents }: Specimen, what: string): Promise<void> {
  const before = await listing(directory)
  const storage = await openDamagedStore(options(directory))
  const found = contentsOf(storage)
  let same = 0
  for (const [key, value] of found) {
    if (contents.get(key) === value) same++
    else assert.match(value, /^([a-z0-9]{960}|last \d|gone)@\d+$/, `${what}: ${key}`)
  }
  // What holds no objects costs none.
  if (!/ldb|log/.test(what)) assert.equal(same, contents.size, what)
  else if (!/remove|cut/.test(what)) assert.ok(same > contents.size / 4, `${what}: ${same} of ${contents.size} are left`)
  await assert.rejects(put(storage, 'core/pods/default/new', 'x'), { name: 'StorageUnavailable' })
  await storage.close()
  assert.deepEqual(await listing(directory), before, `${what}: the files were touched`)
}

async function listing(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).sort()
  return Promise.all(names.map(async (name) => `${name} ${(await stat(join(directory, name))).size}`))
}
