import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../../shared/logging/logger.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { storageContract } from '../../../test/contract/storage.ts'
import { Collector, durableTestStore, factsOf, put, readAll, remove, restampText } from '../../../test/contract/storage-driver.ts'
import { encryptionConfiguration, encryptionOf, keyNamed } from '../../../test/harness/encryption.ts'
import { openDamagedStore } from '../damaged-store.ts'
import { openDatabase, writeBatch } from '../leveldb-database.ts'
import { changeKey, checkOf, decodeHeader, decodePlace, encodeHeader, encodePlace, presentKey, valueKey } from '../leveldb-format.ts'
import { type LevelStorageOptions, openLevelStorage } from '../leveldb-storage.ts'
import type { Storage } from '../storage.ts'
import { providersOf } from './providers-of.ts'
import { UnreadableValue } from './unreadable-value.ts'

const identity = { identity: {} }
const gcm = (...names: string[]) => ({ aesgcm: { keys: names.map((name) => keyNamed(name)) } })
const KEY = 'core/secrets/default/a'

const newDirectory = () => mkdtemp(join(tmpdir(), 'encrypted-'))
const open = (directory: string, options: Partial<LevelStorageOptions<string>>) =>
  openLevelStorage({ directory, logger: silentLogger(), clock: realClock(), facts: factsOf, restamp: restampText, ...options })

storageContract({
  name: 'leveldb, encrypted but for nodes',
  durable: true,
  numbersAhead: true,
  async create({ recent } = {}) {
    const directory = await newDirectory()
    const transformer = await encryptionOf({ nodes: [identity], '*.*': [gcm('a')] })
    return durableTestStore(
      (medium) => open(directory, { recent, transformer, writeBatch: (...batch) => medium.pass(() => writeBatch(...batch)) }),
      () => rm(directory, { recursive: true }),
    )
  },
})

async function directoryFor(context: TestContext): Promise<string> {
  const directory = await newDirectory()
  context.after(() => rm(directory, { recursive: true }))
  return directory
}

/** Runs the body with the store open under these rules. */
async function during(directory: string, rules: Parameters<typeof encryptionOf>[0], body: (storage: Storage<string>) => Promise<void>) {
  const storage = await open(directory, { transformer: await encryptionOf(rules) })
  try {
    await body(storage)
  } finally {
    await storage.close()
  }
}

const onDisk = (directory: string, text: string) =>
  readdirSync(directory).filter((file) => readFileSync(join(directory, file)).includes(text))

test('nothing of a value reaches the disk in the clear: present, replaced, deleted, in logs or in tables', async (context) => {
  const directory = await directoryFor(context)
  const story = async (storage: Storage<string>) => {
    await put(storage, KEY, 'hunter-created')
    await put(storage, KEY, 'hunter-changed')
    await put(storage, 'core/configmaps/default/a', 'plainly-there')
    await remove(storage, KEY)
    await put(storage, KEY, 'hunter-again')
  }
  await during(directory, { secrets: [gcm('a'), identity] }, story)
  assert.notEqual(onDisk(directory, 'plainly-there').length, 0, 'the test sees what is not encrypted')
  assert.deepEqual(onDisk(directory, 'hunter'), [])
  // Opening makes a table of the log; the history is still there, and readable.
  await during(directory, { secrets: [gcm('a'), identity] }, async (storage) => {
    const values = (await readAll(storage.changes(0, 5))).map(({ entry }) => entry.value.toString())
    assert.deepEqual(values, ['hunter-created@1', 'hunter-changed@2', 'plainly-there@3', 'hunter-changed@4', 'hunter-again@5'])
    assert.equal((await storage.getAt(KEY, 2))?.value.toString(), 'hunter-changed@2')
  })
  assert.ok(readdirSync(directory).some((file) => file.endsWith('.ldb')))
  assert.deepEqual(onDisk(directory, 'hunter'), [])
})

test('values that were there before are read, told as older, and written anew on request; keys change over restarts', async (context) => {
  const directory = await directoryFor(context)
  await during(directory, {}, async (storage) => {
    await put(storage, KEY, 'v')
    assert.equal(storage.formOf(storage.get(KEY)!), 'newest')
  })
  let revision = 1
  for (const chain of [
    [gcm('a'), identity],
    [gcm('a', 'b')],
    [gcm('b', 'a')],
    [{ secretbox: { keys: [keyNamed('c')] } }, gcm('b')],
    [identity, { secretbox: { keys: [keyNamed('c')] } }],
  ]) {
    await during(directory, { secrets: chain }, async (storage) => {
      const before = storage.get(KEY)!
      assert.equal(before.value.toString(), `v@${revision}`)
      const isKept = chain.length === 1 && revision === 2
      assert.equal(storage.formOf(before), isKept ? 'newest' : 'older')
      revision = (await put(storage, KEY, 'v', { expect: revision })).revision
      assert.equal(storage.formOf(storage.get(KEY)!), 'newest')
    })
  }
  await during(directory, {}, async (storage) => assert.equal(storage.get(KEY)?.value.toString(), 'v@6'))
})

test('a value whose key is gone is told when it is asked for; the others, and writes to them, go on, and the key may come back', async (context) => {
  const directory = await directoryFor(context)
  await during(directory, { secrets: [gcm('a')] }, async (storage) => {
    await put(storage, KEY, 'closed')
    await put(storage, 'core/pods/default/a', 'pod')
  })
  const transformer = await encryptionOf({ secrets: [gcm('b'), identity] })
  const storage = await open(directory, { transformer })
  const entry = storage.get(KEY)!
  assert.equal(storage.formOf(entry), 'unopened')
  assert.equal(entry.revision, 1)
  assert.throws(() => entry.value, UnreadableValue)
  assert.throws(() => entry.facts, /unable to read secrets "a" in namespace "default" from storage: no matching prefix found/)
  await put(storage, 'core/secrets/default/b', 'open')
  await put(storage, 'core/pods/default/a', 'pod')
  const follower = new Collector(storage, 0)
  await follower.reached(4)
  assert.deepEqual(follower.revisions, [1, 2, 3, 4])
  assert.throws(() => follower.changes[0]!.entry.value, UnreadableValue)
  transformer.use(await providersOf(encryptionConfiguration({ secrets: [gcm('b', 'a')] })))
  assert.equal(entry.value.toString(), 'closed@1')
  assert.equal(entry.facts, 'CLOSED@1')
  await storage.close()
  await during(directory, { secrets: [gcm('b', 'a')] }, async (opened) => {
    assert.equal(opened.get(KEY)?.value.toString(), 'closed@1')
    await remove(opened, KEY)
  })
})

test('a value that was put in the place of another is not read, although its checksums are made right', async (context) => {
  const directory = await directoryFor(context)
  const rules = { secrets: [gcm('a')] }
  const OTHER = 'core/secrets/default/b'
  await during(directory, rules, async (storage) => {
    await put(storage, OTHER, 'another')
    // Of the same length, so that all sums of bytes stay.
    await put(storage, KEY, 'swapped')
  })
  await rm(join(directory, 'FILES'), { force: true })
  const database = await openDatabase(directory)
  const taken = await database.get(valueKey(1))
  assert.ok(taken)
  const place = decodePlace(presentKey(KEY), await text(database, presentKey(KEY)))
  const header = decodeHeader(changeKey(2), await text(database, changeKey(2)))
  const check = checkOf(KEY, 2, taken)
  const sum = (header.sum + check + (2 ** 32 - place.check)) % 2 ** 32
  await database.put(valueKey(2), taken)
  await database.put<string, string>(presentKey(KEY), encodePlace({ ...place, check }), { valueEncoding: 'utf8' })
  await database.put<string, string>(changeKey(2), encodeHeader({ ...header, check, sum }), { valueEncoding: 'utf8' })
  await database.close()
  await during(directory, rules, async (storage) => {
    assert.equal(storage.get(OTHER)?.value.toString(), 'another@1')
    assert.throws(
      () => storage.get(KEY)?.value,
      /unable to read secrets "a" in namespace "default" from storage: .* written for another object/,
    )
  })
})

async function text(database: Awaited<ReturnType<typeof openDatabase>>, record: string): Promise<string> {
  const found = await database.get<string, string>(record, { valueEncoding: 'utf8' })
  assert.ok(found !== undefined)
  return found
}

test('a damaged store that is opened for reading is decrypted too', async (context) => {
  const directory = await directoryFor(context)
  const rules = { secrets: [gcm('a')] }
  await during(directory, rules, async (storage) => void (await put(storage, KEY, 'saved')))
  const options = { directory, logger: silentLogger(), clock: realClock(), facts: factsOf, restamp: restampText }
  const storage = await openDamagedStore({ ...options, transformer: await encryptionOf(rules) })
  assert.equal(storage.get(KEY)?.value.toString(), 'saved@1')
  await storage.close()
})
