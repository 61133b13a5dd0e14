import { readFile } from 'node:fs/promises'
import type { Logger } from '../../shared/logging/logger.ts'
import { checkRoom, type Database, openDatabase, type WriteBatch, writeBatch } from './leveldb-database.ts'
import * as format from './leveldb-format.ts'
import { LevelLog, type LevelLogState, meta, newestHeader } from './leveldb-log.ts'
import type { RecentLimits } from './recent-changes.ts'
import { RevisionedStorage } from './revisioned-storage.ts'
import { type Entry, type Storage, type StorageOptions, StorageRefused } from './storage.ts'
import { StoredEntry } from './stored-entry.ts'

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
 * The durable driver: one LevelDB directory, which one process can have open.
 * @throws StorageRefused when the files are open elsewhere, of a newer format, foreign, or damaged
 */
export async function openLevelStorage<F>(options: LevelStorageOptions<F>): Promise<Storage<F>> {
  const database = await openDatabase(options.directory).catch((error: unknown) => explain(options.directory, error))
  try {
    await checkFormat(database, options.directory)
    const state = await beginSession(database, options)
    const present = await loadPresent(database, options)
    const { directory, logger, facts } = options
    const log = new LevelLog<F>(database, state, { directory, logger, facts, writeBatch: options.writeBatch ?? writeBatch })
    if (state.swept < state.compacted) {
      log.sweep().catch((error: unknown) => logger.warn('compaction could not be resumed', { error: String(error) }))
    }
    return new RevisionedStorage({ log, present, revision: state.revision, compacted: state.compacted }, options)
  } catch (error) {
    await database.close()
    return explain(options.directory, error)
  }
}

/** Opening writes a little; when that fails on a full disk, the disk is what the person has to be told about. */
async function explain(directory: string, error: unknown): Promise<never> {
  if (error instanceof StorageRefused) throw error
  await checkRoom(directory).catch((full: Error) => {
    throw new StorageRefused(`the store cannot be opened, because ${full.message}; free some space and start again`, { cause: error })
  })
  throw error
}

async function checkFormat(database: Database, directory: string): Promise<void> {
  const text = await getText(database, format.META.format)
  if (text === undefined) {
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
  const found = Number(text)
  if (!(found <= format.FORMAT)) {
    throw new StorageRefused(
      `the store in ${directory} has format ${text}, and this version reads formats up to ${format.FORMAT}: a newer version wrote it. ` +
        'Start that version again, or restore a backup made before the upgrade',
    )
  }
}

/** Finds out where the log ends, and notes that it is open from now on. */
async function beginSession<F>(database: Database, options: LevelStorageOptions<F>): Promise<LevelLogState & { revision: number }> {
  const swept = Number((await getText(database, format.META.swept)) ?? 0)
  let compacted = Math.max(swept, Number((await getText(database, format.META.compacted)) ?? 0))
  const newest = await newestHeader(database)
  let revision = Math.max(compacted, newest?.revision ?? 0)
  const boot = options.bootId ?? (await readBootId())
  const last = format.decodeSession(await getText(database, format.META.session))
  if (last !== undefined && !last.closed && (last.boot !== boot || boot === '')) {
    revision += REVISIONS_AFTER_POWER_CUT
    compacted = revision
    options.logger.warn('the machine went down while the store was open: the newest relaxed writes may be lost, and watches begin anew', {
      revision,
    })
  }
  const session: format.Session = { boot, closed: false }
  await database.batch<string, Buffer | string>([meta(format.META.session, session), meta(format.META.compacted, compacted)], {
    sync: true,
  })
  return { revision, compacted, swept, bytes: newest?.bytes ?? 0 }
}

async function loadPresent<F>(database: Database, { directory, facts }: LevelStorageOptions<F>): Promise<Entry<F>[]> {
  const places: { key: string; revision: number; createRevision: number }[] = []
  for await (const [key, text] of database.iterator<string, string>({ ...format.spaceOf('p'), valueEncoding: 'utf8' })) {
    places.push({ key: key.slice(2), ...format.decodePresent(text) })
  }
  // In the order of the file, not of the keys: blocks are read once.
  places.sort((a, b) => a.revision - b.revision)
  const entries: Entry<F>[] = []
  for (let start = 0; start < places.length; start += LOAD_BATCH) {
    const batch = places.slice(start, start + LOAD_BATCH)
    const values = await database.getMany<string, Buffer>(
      batch.map(({ revision }) => format.valueKey(revision)),
      { fillCache: false },
    )
    for (const [index, place] of batch.entries()) {
      const value: Buffer | undefined = values[index]
      if (value === undefined) {
        throw new StorageRefused(
          `the store in ${directory} is damaged: ${place.key} has no value at revision ${place.revision}; restore the directory from a backup`,
        )
      }
      entries.push(new StoredEntry({ ...place, value }, facts))
    }
  }
  return entries
}

/** Empty where the system has no such thing; an unclean end is then always taken for a power cut. */
async function readBootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
}

async function getText(database: Database, key: string): Promise<string | undefined> {
  return database.get<string, string>(key, { valueEncoding: 'utf8' })
}
