import type { Logger } from '../../shared/logging/logger.ts'
import { noteInventory } from './files/store-files.ts'
import { checkRoom, type Database, type Operation, openDatabase, type WriteBatch } from './leveldb-database.ts'
import * as format from './leveldb-format.ts'
import { meta, totalsRecord } from './leveldb-meta.ts'
import type { Reference, RevisionLog, Touch } from './revision-log.ts'
import { type Change, type Entry, type Mark, StorageUnavailable } from './storage.ts'
import { StoredEntry } from './stored-entry.ts'
import type { Witness } from './witness.ts'

/** Changes forgotten in one step of a compaction: a write waits for at most one step. */
const SWEEP_STEP = 200

/** Values read in one piece: large objects make the pieces of `read` shorter. */
const READ_BYTES = 8 * 2 ** 20

export interface LevelLogOptions<F> {
  readonly directory: string
  readonly logger: Logger
  readonly facts: (key: string, value: Buffer) => F
  readonly writeBatch: WriteBatch
  readonly witness: Witness
  /** Identity of the running kernel. */
  readonly boot: string
}

/** Where the log stands when it is opened. */
export interface LevelLogState {
  readonly revision: number
  readonly bytes: number
  readonly totals: format.Totals
  readonly compacted: number
  /** Up to here forgotten changes are really gone; behind `compacted` when a process ended in the middle. */
  readonly swept: number
}

/**
 * The revision log in LevelDB. One batch is written at a time, appends and compaction steps in turn: after a
 * failed batch LevelDB's own log may end in a torn record, behind which nothing may be written, so the files are opened
 * anew before the next.
 */
export class LevelLog<F> implements RevisionLog<F> {
  readonly #options: LevelLogOptions<F>
  #database: Database
  #revision: number
  #synced: number
  #bytes: number
  #totals: format.Totals
  #compacted: number
  #swept: number
  #broken: unknown
  #closing = false
  #turn: Promise<void> = Promise.resolve()
  #sweeping: Promise<void> | undefined

  constructor(database: Database, state: LevelLogState, options: LevelLogOptions<F>) {
    this.#database = database
    this.#options = options
    this.#revision = state.revision
    this.#synced = state.revision
    this.#bytes = state.bytes
    this.#totals = state.totals
    this.#compacted = state.compacted
    this.#swept = state.swept
  }

  /** Requests that arrive in the same turn of the loop share an append. */
  gather(action: () => void): void {
    setImmediate(action)
  }

  append(changes: readonly Change<F>[], sync: boolean): Promise<void> {
    let bytes = this.#bytes
    let totals = this.#totals
    const operations: Operation[] = []
    for (const { revision, type, key, entry, previous, time } of changes) {
      bytes += entry.value.length
      const { createRevision, value } = entry
      const check = format.checkOf(key, revision, value)
      const previousCheck = previous && format.checkOf(key, previous.revision, previous.value)
      totals = format.totalsAfter(totals, type === 'put' ? check : undefined, previousCheck)
      const before = { previous: previous?.revision ?? 0, previousCheck: previousCheck ?? 0 }
      const header = format.encodeHeader({ revision, type, key, ...before, createRevision, time, bytes, check, ...totals })
      operations.push({ type: 'put', key: format.changeKey(revision), value: header, valueEncoding: 'utf8' })
      operations.push({ type: 'put', key: format.valueKey(revision), value })
      const place = format.presentKey(key)
      if (type === 'delete') operations.push({ type: 'del', key: place })
      else {
        const text = format.encodePlace({ key, revision, createRevision, check })
        operations.push({ type: 'put', key: place, value: text, valueEncoding: 'utf8' })
      }
    }
    return this.#write(operations, sync).then(() => {
      this.#bytes = bytes
      this.#totals = totals
      this.#revision = changes[changes.length - 1]?.revision ?? this.#revision
      if (sync) this.#synced = this.#revision
      const { witness, boot } = this.#options
      witness.say({ boot, written: this.#revision, synced: this.#synced })
    })
  }

  async read(from: number, to: number, limit: number): Promise<Change<F>[]> {
    return this.#reading(async (database) => {
      const headers: format.Header[] = []
      for await (const header of this.#headers(database, from, to, limit)) {
        if (header.revision !== from + headers.length + 1) break
        headers.push(header)
        if (header.bytes - headers[0]!.bytes > READ_BYTES) break
      }
      const wanted = headers.flatMap(({ revision, previous }) => (previous === 0 ? [revision] : [revision, previous]))
      const values = new Map<number, Buffer | undefined>()
      const read = await database.getMany(wanted.map(format.valueKey))
      for (const [index, revision] of wanted.entries()) values.set(revision, read[index])
      const changes: Change<F>[] = []
      for (const { revision, type, key, previous, previousCheck, createRevision, time, check } of headers) {
        const value = values.get(revision)
        const before = previous === 0 ? undefined : values.get(previous)
        // Gone: a compaction overtook this read, and whoever asked will see that it did.
        if (value === undefined || (previous !== 0 && before === undefined)) break
        checkValue(key, revision, value, check)
        if (before !== undefined) checkValue(key, previous, before, previousCheck)
        const entry = this.#entry({ key, value, revision, createRevision })
        changes.push({
          type,
          key,
          revision,
          entry,
          time,
          previous: before && this.#entry({ key, value: before, revision: previous, createRevision }),
        })
      }
      return changes
    })
  }

  async *touches(from: number, to: number): AsyncGenerator<Touch, void, undefined> {
    const touches = await this.#reading(async (database) => {
      const found: Touch[] = []
      for await (const { key, previous, previousCheck, createRevision } of this.#headers(database, from, to)) {
        const reference = previous === 0 ? undefined : { revision: previous, createRevision, check: previousCheck }
        found.push({ key, previous: reference })
      }
      return found
    })
    yield* touches
  }

  async fetch(key: string, { revision, createRevision, check }: Reference): Promise<Entry<F> | undefined> {
    const value = await this.#reading(async (database) => {
      const found = await database.get(format.valueKey(revision))
      if (found !== undefined && check !== undefined) checkValue(key, revision, found, check)
      return found
    })
    return value && this.#entry({ key, value, revision, createRevision })
  }

  async mark(revision: number): Promise<Mark | undefined> {
    const name = format.changeKey(revision)
    const text = await this.#reading((database) => database.get<string, string>(name, { valueEncoding: 'utf8' }))
    if (text === undefined) return undefined
    const { time, bytes } = format.decodeHeader(name, text)
    return { revision, time, bytes }
  }

  async compact(revision: number): Promise<void> {
    this.#compacted = revision
    // The headers that say how much there is may all go: then this says it.
    const totals = totalsRecord({ revision: this.#revision, bytes: this.#bytes, ...this.#totals })
    await this.#write([meta(format.META.compacted, revision), totals], false)
    await this.sweep()
  }

  /** Deletes, step by step, what lies before the compacted revision and is in no state from there on. One sweep runs at a time. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
    return this.#sweeping
  }

  /**
   * Opens the files anew. While the disk is full they stay as they are, because what is open can still be read.
   * @throws the reason why it is not possible yet.
   */
  async recover(): Promise<void> {
    const { directory, logger } = this.#options
    await this.#exclusive(async () => {
      await checkRoom(directory)
      logger.warn('opening the store anew after a failed write', { directory, error: String(this.#broken) })
      await this.#database.close().catch((error: unknown) => logger.warn('closing the store failed', { error: String(error) }))
      this.#database = await openDatabase(directory)
      await this.#standAgain()
      this.#broken = undefined
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.#sweeping?.catch(() => {})
    const { logger, directory, boot, witness } = this.#options
    // When this cannot be written, the next start takes the end for a crash, which is safe.
    const isMarked = await this.#write([meta(format.META.session, { boot, closed: true })], true).then(
      () => true,
      (error: unknown) => {
        logger.warn('the store could not be marked as closed', { directory, error: String(error) })
        return false
      },
    )
    await witness.close()
    await this.#database.close()
    if (isMarked) await noteInventory(directory)
  }

  /** What the failed batch left is part of the log after all, or is not. */
  async #standAgain(): Promise<void> {
    const newest = await newestHeader(this.#database)
    if (newest === undefined || newest.revision <= this.#revision) return
    this.#revision = newest.revision
    this.#bytes = newest.bytes
    this.#totals = { live: newest.live, sum: newest.sum }
  }

  async #sweep(): Promise<void> {
    while (this.#swept < this.#compacted && !this.#closing) {
      const to = this.#compacted
      const operations: Operation[] = []
      let last = this.#swept
      let steps = 0
      await this.#reading(async (database) => {
        for await (const { revision, type, previous } of this.#headers(database, this.#swept, to, SWEEP_STEP)) {
          operations.push({ type: 'del', key: format.changeKey(revision) })
          if (previous !== 0) operations.push({ type: 'del', key: format.valueKey(previous) })
          if (type === 'delete') operations.push({ type: 'del', key: format.valueKey(revision) })
          last = revision
          steps += 1
        }
      })
      const swept = steps < SWEEP_STEP ? to : last
      await this.#write([...operations, meta(format.META.swept, swept)], false)
      this.#swept = swept
    }
  }

  async #write(operations: Operation[], sync: boolean): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#broken !== undefined) throw this.#broken
      try {
        await this.#options.writeBatch(this.#database, operations, sync)
      } catch (error) {
        this.#broken = error
        throw error
      }
    })
  }

  /** Runs the action when all before it are done, in the order of the calls. */
  #exclusive(action: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(action)
    this.#turn = done.catch(() => {})
    return done
  }

  async #reading<T>(action: (database: Database) => Promise<T>): Promise<T> {
    try {
      return await action(this.#database)
    } catch (error) {
      throw new StorageUnavailable(`the log cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }

  async *#headers(database: Database, from: number, to: number, limit = -1): AsyncGenerator<format.Header, void, undefined> {
    const range = { gt: format.changeKey(from), lte: format.changeKey(to), limit }
    for await (const [name, text] of database.iterator<string, string>({ ...range, valueEncoding: 'utf8' }))
      yield format.decodeHeader(name, text)
  }

  #entry(entry: Omit<Entry, 'facts'>): Entry<F> {
    return new StoredEntry(entry, this.#options.facts)
  }
}

/** The last change in the log, if it holds any. */
export async function newestHeader(database: Database): Promise<format.Header | undefined> {
  const newest = { ...format.spaceOf('h'), reverse: true, limit: 1, valueEncoding: 'utf8' }
  for await (const [name, text] of database.iterator<string, string>(newest)) return format.decodeHeader(name, text)
  return undefined
}

function checkValue(key: string, revision: number, value: Buffer, check: number): void {
  if (format.checkOf(key, revision, value) !== check) throw new format.DamagedRecord(`${key} at revision ${revision}`)
}
