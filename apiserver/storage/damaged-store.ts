import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import { transformedLog } from './encryption/transformed-log.ts'
import { batchEntries, logRecords } from './files/log-file.ts'
import type { RawEntry } from './files/raw-entry.ts'
import { soundEntries } from './files/table-file.ts'
import * as format from './leveldb-format.ts'
import type { RevisionLog } from './revision-log.ts'
import { RevisionedStorage } from './revisioned-storage.ts'
import type { Entry, Storage, StorageOptions } from './storage.ts'
import { StoredEntry } from './stored-entry.ts'

export interface DamagedStoreOptions<F> extends StorageOptions<F> {
  readonly directory: string
  readonly logger: Logger
}

/** Losses told one by one; the rest is counted. */
const MOST_TOLD = 100

/**
 * What is sound in a damaged store, for reading only. The files are read here and not by LevelDB, which would write to them, and ends the process
 * over some that are damaged. What has its checksums is taken into memory; an object that was deleted not long ago may be there again.
 */
export async function openDamagedStore<F>(options: DamagedStoreOptions<F>): Promise<Storage<F>> {
  const { directory, logger, facts } = options
  const losses = new Losses(logger)
  const places = await newest(directory, losses, (key) => key.startsWith('k/'))
  const wanted = new Map<string, format.Place>()
  for (const [record, { value }] of places) {
    if (value === undefined) continue
    try {
      const place = format.decodePlace(record, value.toString())
      wanted.set(format.valueKey(place.revision), place)
    } catch (error) {
      losses.add(record, error)
    }
  }
  const values = await newest(directory, losses, (key) => wanted.has(key))
  const entries: Entry<F>[] = []
  let revision = 0
  for (const [record, place] of wanted) {
    const value = values.get(record)?.value
    if (value === undefined || format.checkOf(place.key, place.revision, value) !== place.check) {
      losses.add(place.key, new format.DamagedRecord(record))
      continue
    }
    revision = Math.max(revision, place.revision)
    entries.push(new StoredEntry({ key: place.key, value, revision: place.revision, createRevision: place.createRevision }, facts))
  }
  logger.warn('the store was opened for reading only: nothing can be written', { directory, objects: entries.length, lost: losses.count })
  const loaded = { log: new ReadOnlyLog<F>(), present: entries, revision, compacted: revision }
  return new RevisionedStorage(transformedLog(loaded, options), options)
}

class Losses {
  count = 0
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(what: string, error: unknown): void {
    this.count++
    if (this.count <= MOST_TOLD) this.#logger.warn('not sound', { what, error: String(error) })
  }
}

/** The newest write to each key that is wanted, from all tables and logs. */
async function newest(directory: string, losses: Losses, isWanted: (key: string) => boolean): Promise<Map<string, RawEntry>> {
  const found = new Map<string, RawEntry>()
  for (const name of (await readdir(directory)).filter((each) => /^\d+\.(ldb|sst|log)$/.test(each)).sort()) {
    const bytes = await readFile(join(directory, name))
    try {
      for (const entry of entriesOf(name, bytes, (what) => losses.add(name, new RangeError(what)))) {
        if (isWanted(entry.key) && entry.sequence >= (found.get(entry.key)?.sequence ?? 0)) found.set(entry.key, entry)
      }
    } catch (error) {
      losses.add(name, error)
    }
  }
  return found
}

function* entriesOf(name: string, bytes: Buffer, onDamage: (what: string) => void): Generator<RawEntry> {
  if (!name.endsWith('.log')) return yield* soundEntries(bytes, onDamage)
  for (const record of logRecords(bytes, onDamage)) yield* batchEntries(record)
}

/** No past, and no future. */
class ReadOnlyLog<F> implements RevisionLog<F> {
  gather(action: () => void): void {
    action()
  }

  append(): Promise<void> {
    return Promise.reject(new Error('it was opened damaged, for reading only'))
  }

  recover(): Promise<void> {
    return this.append()
  }

  async read(): Promise<[]> {
    return []
  }

  async *touches(): AsyncGenerator<never, void, undefined> {}

  async fetch(): Promise<undefined> {}

  async mark(): Promise<undefined> {}

  async compact(): Promise<void> {}

  async close(): Promise<void> {}
}
