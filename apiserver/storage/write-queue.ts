import type { Clock } from '../../shared/time/clock.ts'
import type { Present } from './present.ts'
import type { RevisionLog } from './revision-log.ts'
import { type Change, type Entry, StorageConflict, StorageUnavailable, type Write } from './storage.ts'
import { lastState } from './stored-entry.ts'

/** One append takes at most this much, so that no write waits behind an endless one. */
const MOST_WRITES = 1_000
const MOST_BYTES = 4 * 2 ** 20

/** After this many relaxed writes one append is synced anyway: it bounds what a power cut can take. */
export const MOST_UNSYNCED = 1_000

/** A write that failed makes the next one try to recover, but not more often than this (milliseconds). */
const RECOVERY_PAUSE = 250

interface Pending<F> {
  readonly change: Change<F>
  readonly synced: boolean
  readonly done: Promise<Change<F>>
  readonly resolve: (change: Change<F>) => void
  readonly reject: (error: Error) => void
}

export interface WriteQueueOptions<F> {
  readonly log: RevisionLog<F>
  readonly present: Present<F>
  readonly revision: number
  readonly clock: Clock
  readonly restamp: (value: Buffer, revision: number) => Buffer
  /** Makes committed changes visible; called before their writers are told. */
  readonly onCommit: (changes: readonly Change<F>[]) => void
}

/**
 * Puts writes in order. A write is checked and given its revision when it arrives, against the present and the writes in
 * front of it; one append is in flight, and what arrives meanwhile makes up the next. When an append fails,
 * everything queued fails with it, because it was checked against states that never came to be; the next write tries to
 * recover the log first.
 */
export class WriteQueue<F> {
  readonly #options: WriteQueueOptions<F>
  /** The newest durable and the newest given revision. */
  #revision: number
  #given: number
  #queue: Pending<F>[] = []
  /** The newest pending write of each key. */
  readonly #heads = new Map<string, Pending<F>>()
  #appending: Promise<void> | undefined
  #gathering = false
  #unsynced = 0
  #closing = false
  #failure: { readonly error: unknown; at: number } | undefined
  #recovery: Promise<void> | undefined

  constructor(options: WriteQueueOptions<F>) {
    this.#options = options
    this.#revision = options.revision
    this.#given = options.revision
  }

  get revision(): number {
    return this.#revision
  }

  newest(key: string): Entry<F> | undefined {
    const head = this.#heads.get(key)
    if (head === undefined) return this.#options.present.get(key)
    return head.change.type === 'put' ? head.change.entry : undefined
  }

  async settled(key: string): Promise<void> {
    // How it ended is told to its writer; here only that it ended matters.
    await this.#heads.get(key)?.done.catch(() => {})
  }

  write(write: Write<F>): Promise<Change<F>> {
    if (this.#closing) return Promise.reject(new StorageUnavailable('the store is closing'))
    if (this.#failure !== undefined) return this.#recovered().then(() => this.write(write))
    try {
      const current = this.newest(write.key)
      return holds(write, current) ? this.#enqueue(write, current) : this.#refuse(write.key)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Refuses new writes, and resolves when those taken are done. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#recovery !== undefined) await this.#recovery.catch(() => {})
    while (this.#queue.length > 0 || this.#appending !== undefined) {
      this.#append()
      await this.#appending
    }
  }

  /** A conflict with a write that is not durable yet is told when it is: nobody learns of what may never have been. */
  async #refuse(key: string): Promise<never> {
    await this.#heads.get(key)?.done
    throw new StorageConflict(key, this.#options.present.get(key))
  }

  #enqueue(write: Write<F>, previous: Entry<F> | undefined): Promise<Change<F>> {
    const revision = this.#given + 1
    const entry = this.#entryOf(write, revision, previous)
    const change: Change<F> = { type: write.type, key: write.key, revision, entry, previous, time: this.#options.clock.now() }
    this.#given = revision
    const { promise, resolve, reject } = Promise.withResolvers<Change<F>>()
    const pending = { change, synced: write.durability === 'synced', done: promise, resolve, reject }
    this.#queue.push(pending)
    this.#heads.set(write.key, pending)
    if (this.#appending === undefined) this.#gather()
    return promise
  }

  #entryOf(write: Write<F>, revision: number, previous: Entry<F> | undefined): Entry<F> {
    const { key } = write
    if (write.type === 'put') {
      return {
        key,
        value: ownBytes(write.encode(revision)),
        revision,
        createRevision: previous?.createRevision ?? revision,
        facts: write.facts,
      }
    }
    // A delete is refused where there is nothing. One whose value does not open fails here, before it is queued.
    const { value, createRevision, facts } = lastState(previous!, revision, this.#options.restamp)
    return { key, value, revision, createRevision, facts }
  }

  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    this.#options.log.gather(() => {
      this.#gathering = false
      this.#append()
    })
  }

  #append(): void {
    if (this.#appending !== undefined || this.#queue.length === 0) return
    const batch = this.#takeBatch()
    const changes = batch.map((pending) => pending.change)
    const sync = batch.some((pending) => pending.synced) || this.#unsynced + batch.length > MOST_UNSYNCED
    this.#appending = this.#options.log.append(changes, sync).then(
      () => {
        this.#unsynced = sync ? 0 : this.#unsynced + batch.length
        this.#commit(changes)
        this.#appending = undefined
        for (const pending of batch) {
          if (this.#heads.get(pending.change.key) === pending) this.#heads.delete(pending.change.key)
          pending.resolve(pending.change)
        }
        if (this.#queue.length > 0) this.#gather()
      },
      (error: unknown) => {
        this.#appending = undefined
        this.#fail(error, batch)
      },
    )
  }

  #takeBatch(): Pending<F>[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < MOST_WRITES && bytes < MOST_BYTES) bytes += this.#queue[count++]!.change.entry.value.length
    return this.#queue.splice(0, count)
  }

  #commit(changes: readonly Change<F>[]): void {
    this.#revision = changes[changes.length - 1]!.revision
    this.#options.onCommit(changes)
  }

  #fail(error: unknown, batch: readonly Pending<F>[]): void {
    const failed = [...batch, ...this.#queue]
    this.#queue = []
    this.#heads.clear()
    this.#failure = { error, at: Number.NEGATIVE_INFINITY }
    for (const pending of failed) pending.reject(unavailable(error))
  }

  /** Resolves when the log can be written again. One attempt serves all that wait for it. */
  #recovered(): Promise<void> {
    this.#recovery ??= this.#recover().finally(() => {
      this.#recovery = undefined
    })
    return this.#recovery
  }

  async #recover(): Promise<void> {
    const failure = this.#failure
    if (failure === undefined) return
    const { clock, log } = this.#options
    if (clock.monotonic() - failure.at < RECOVERY_PAUSE) throw unavailable(failure.error)
    try {
      await log.recover()
      // The failed append may have reached the medium after all. Its writers were told "unknown"; it counts from here on.
      const survivors = await log.read(this.#revision, Number.MAX_SAFE_INTEGER, MOST_WRITES)
      if (survivors.length > 0) this.#commit(survivors)
      this.#given = this.#revision
      this.#failure = undefined
    } catch (error) {
      this.#failure = { error, at: clock.monotonic() }
      throw unavailable(error)
    }
  }
}

/** Whether the state is the one that a write expects. */
export function holds({ type, expect }: Write, current: Entry | undefined): boolean {
  if (type === 'delete' && current === undefined) return false
  return expect === undefined || expect === (current?.revision ?? 0)
}

function unavailable(cause: unknown): StorageUnavailable {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new StorageUnavailable(`the store cannot take writes: ${detail}`, { cause })
}

/** Small buffers are cut from shared slabs; kept for long, one of them holds a whole slab. What is stored gets memory of its own. */
function ownBytes(value: Buffer): Buffer {
  if (value.buffer.byteLength === value.byteLength) return value
  const own = Buffer.allocUnsafeSlow(value.byteLength)
  value.copy(own)
  return own
}
