import { readFile } from 'node:fs/promises'
import type { Logger } from '../../shared/logging/logger.ts'
import { damaged } from './damage.ts'
import { transformedLog } from './encryption/transformed-log.ts'
import { checkFiles, forgetInventory } from './files/store-files.ts'
import { checkRoom, type Database, isCorruption, openDatabase, type WriteBatch, writeBatch } from './leveldb-database.ts'
import * as format from './leveldb-format.ts'
import { LevelLog, type LevelLogState, newestHeader } from './leveldb-log.ts'
import { meta, readFacts, totalsRecord } from './leveldb-meta.ts'
import { upgradeStore } from './leveldb-upgrade.ts'
import type { RecentLimits } from './recent-changes.ts'
import { RevisionedStorage } from './revisioned-storage.ts'
import { type Entry, type Storage, type StorageOptions, StorageRefused } from './storage.ts'
import { StoredEntry } from './stored-entry.ts'
import { type Statement, Witness } from './witness.ts'

export interface LevelStorageOptions<F> extends StorageOptions<F> {
  /** Made when it does not exist. */
  readonly directory: string
  readonly logger: Logger
  readonly recent?: RecentLimits | undefined
  /** Identity of the running kernel; read from the machine when left out. */
  readonly bootId?: string | undefined
  /** How a batch reaches LevelDB; tests put faults in between. */
  readonly writeBatch?: WriteBatch | undefined
}

/** Values read in one piece at start. */
const LOAD_BATCH = 1_000

/**
 * How far revisions jump after the machine went down: more than the relaxed writes that a power cut can take, so that no
 * revision a client has seen is ever given to another change.
 */
const REVISIONS_AFTER_POWER_CUT = 10_000

/**
 * The durable driver: one LevelDB directory, which one process can have open. Nothing is written to it before all that is present was
 * read and found to be what was written, and the log to have no gap; so a refusal can be repeated.
 * @throws StorageRefused when the files are open elsewhere, of a newer format, foreign, or damaged
 */
export async function openLevelStorage<F>(options: LevelStorageOptions<F>): Promise<Storage<F>> {
  const { directory, logger, facts } = options
  await checkFiles(directory)
  // Opening changes files, whatever it ends with.
  await forgetInventory(directory)
  const database = await openDatabase(directory).catch((error: unknown) => explain(directory, error))
  const { witness, said } = await Witness.open(directory)
  try {
    await checkFormat(database, options, said)
    const boot = options.bootId ?? (await readBootId())
    const found = await findEnd(database, { directory, boot, said })
    const { entries: present, totals } = await loadPresent(database, options)
    if (!found.isPowerCut && (found.totals.live !== totals.live || found.totals.sum !== totals.sum)) {
      throw damaged(directory, `there should be ${found.totals.live} objects, and ${totals.live} are there, or older ones came back`)
    }
    await checkContinuity(database, directory, found)
    const state = await beginSession(database, { ...found, totals }, { boot, logger })
    const log = new LevelLog<F>(database, state, {
      ...{ directory, logger, facts, witness, boot },
      writeBatch: options.writeBatch ?? writeBatch,
    })
    if (state.swept < state.compacted) {
      log.sweep().catch((error: unknown) => logger.warn('compaction could not be resumed', { error: String(error) }))
    }
    const loaded = { log, present, revision: state.revision, compacted: state.compacted }
    return new RevisionedStorage(transformedLog(loaded, options), options)
  } catch (error) {
    await witness.close()
    await database.close()
    return explain(directory, error)
  }
}

/** Opening writes a little; when that fails on a full disk, the disk is what the person has to be told about. */
async function explain(directory: string, error: unknown): Promise<never> {
  if (error instanceof StorageRefused) throw error
  await checkRoom(directory).catch((full: Error) => {
    throw new StorageRefused(`the store cannot be opened, because ${full.message}; free some space and start again`, { cause: error })
  })
  if (error instanceof format.DamagedRecord || error instanceof SyntaxError || isCorruption(error)) {
    throw damaged(directory, error instanceof Error ? error.message : String(error), error)
  }
  throw error
}

async function checkFormat<F>(database: Database, options: LevelStorageOptions<F>, said: Statement | undefined): Promise<void> {
  const { directory } = options
  const text = await database.get<string, string>(format.META.format, { valueEncoding: 'utf8' })
  if (text === undefined) {
    if (said !== undefined) throw damaged(directory, `it is empty, and revision ${said.synced} was stored in it`)
    for await (const _ of database.keys({ limit: 1 })) {
      throw new StorageRefused(
        `${directory} holds a LevelDB database that is no store of this program; give it a data directory of its own`,
      )
    }
    await database.batch<string, string>([{ type: 'put', key: format.META.format, value: JSON.stringify(format.FORMAT) }], {
      sync: true,
      valueEncoding: 'utf8',
    })
    return
  }
  if (text === '1') return upgradeStore(database, options)
  if (text !== String(format.FORMAT)) {
    throw new StorageRefused(
      `the store in ${directory} has format ${text}, and this version reads formats up to ${format.FORMAT}: a newer version wrote it. ` +
        'Start that version again, or restore a backup made before the upgrade',
    )
  }
}

interface End extends LevelLogState {
  /** The machine went down while the store was open: relaxed writes may be missing, and with them revisions. */
  readonly isPowerCut: boolean
}

/** Where the log ends. @throws StorageRefused when more was acknowledged than is there */
async function findEnd(
  database: Database,
  { directory, boot, said }: { directory: string; boot: string; said: Statement | undefined },
): Promise<End> {
  const { session, compacted, swept, totals } = await readFacts(database)
  const newest = await newestHeader(database)
  const isHeaderNewer = newest !== undefined && newest.revision >= (totals?.revision ?? 0)
  const end = isHeaderNewer ? newest : (totals ?? { revision: 0, bytes: 0, ...format.NO_TOTALS })
  const isPowerCut = session !== undefined && !session.closed && (session.boot !== boot || boot === '')
  const acknowledged = Math.max(compacted, (said?.boot === boot ? said.written : said?.synced) ?? 0)
  if (end.revision < acknowledged) {
    throw damaged(directory, `it ends at revision ${end.revision}, and revision ${acknowledged} was stored in it`)
  }
  const { revision, bytes, live, sum } = end
  return { revision, bytes, totals: { live, sum }, compacted: Math.max(swept, compacted), swept, isPowerCut }
}

/** Each revision after the compacted one has its record: there is no gap where LevelDB dropped what it could not read. */
async function checkContinuity(database: Database, directory: string, { compacted, revision, isPowerCut }: End): Promise<void> {
  if (isPowerCut) return
  let expected = compacted + 1
  const range = { gt: format.changeKey(compacted), lte: format.changeKey(revision) }
  const keys = database.keys(range)
  try {
    for (let some = await keys.nextv(LOAD_BATCH); some.length > 0; some = await keys.nextv(LOAD_BATCH)) {
      for (const key of some) {
        if (key !== format.changeKey(expected)) throw damaged(directory, `the record of revision ${expected} is missing`)
        expected++
      }
    }
  } finally {
    await keys.close()
  }
  if (expected <= revision && expected > compacted + 1) throw damaged(directory, `the record of revision ${expected} is missing`)
}

/** Notes that the store is open from now on; after a power cut nobody may watch from before. */
async function beginSession(database: Database, found: End, { boot, logger }: { boot: string; logger: Logger }): Promise<LevelLogState> {
  const operations = [meta(format.META.session, { boot, closed: false })]
  if (!found.isPowerCut) {
    await database.batch<string, Buffer | string>(operations, { sync: true })
    return found
  }
  const revision = found.revision + REVISIONS_AFTER_POWER_CUT
  logger.warn('the machine went down while the store was open: the newest relaxed writes may be lost, and watches begin anew', { revision })
  const { bytes, totals } = found
  operations.push(meta(format.META.compacted, revision), totalsRecord({ revision, bytes, ...totals }))
  await database.batch<string, Buffer | string>(operations, { sync: true })
  return { ...found, revision, compacted: revision }
}

/** All that is present, and what it comes to. @throws StorageRefused for a value that is missing or not what was written */
async function loadPresent<F>(
  database: Database,
  { directory, facts }: LevelStorageOptions<F>,
): Promise<{ entries: Entry<F>[]; totals: format.Totals }> {
  const places: format.Place[] = []
  for await (const [record, text] of database.iterator<string, string>({ ...format.spaceOf('k'), valueEncoding: 'utf8' })) {
    places.push(format.decodePlace(record, text))
  }
  // In the order of the file, not of the keys: blocks are read once.
  places.sort((a, b) => a.revision - b.revision)
  const entries: Entry<F>[] = []
  let totals = format.NO_TOTALS
  for (let start = 0; start < places.length; start += LOAD_BATCH) {
    const batch = places.slice(start, start + LOAD_BATCH)
    const values = await database.getMany<string, Buffer>(
      batch.map(({ revision }) => format.valueKey(revision)),
      { fillCache: false },
    )
    for (const [index, { key, revision, createRevision, check }] of batch.entries()) {
      const value: Buffer | undefined = values[index]
      if (value === undefined) throw damaged(directory, `${key} has no value at revision ${revision}`)
      if (format.checkOf(key, revision, value) !== check) throw damaged(directory, `the value of ${key} is not what was written`)
      totals = format.totalsAfter(totals, check, undefined)
      entries.push(new StoredEntry({ key, revision, createRevision, value }, facts))
    }
  }
  return { entries, totals }
}

/** Empty where the system has no such thing; an unclean end is then always taken for a power cut. */
async function readBootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
}
