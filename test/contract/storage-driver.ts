import type { RecentLimits } from '../../apiserver/storage/recent-changes.ts'
import type { Change, Put, Storage, Subscription } from '../../apiserver/storage/storage.ts'

/** What a driver brings to the suite. Facts are the text of the value in capitals, so that they can be checked after a restart. */
export interface StorageDriver {
  readonly name: string
  /** An empty store of its own. */
  create(options?: StoreOptions): Promise<TestStore>
  /** Closing and opening the same store again keeps it. */
  readonly durable: boolean
  /**
   * Revisions are given when writes arrive, not at their commit: those of one turn of the loop have them in the order of the calls, share one fate, and
   * can be built upon before they are durable.
   */
  readonly numbersAhead: boolean
  /** Whether several processes may write to one store, which then decides what only one object may have. */
  readonly isShared?: boolean
  /** The share of the long tests that is run; 1 by default. */
  readonly share?: number
}

export interface StoreOptions {
  readonly recent?: RecentLimits | undefined
}

export interface TestStore {
  readonly storage: Storage<string>
  /** Stands between the store and its medium. */
  readonly medium: FaultyMedium
  /** Closes the store and opens it again. */
  reopen(): Promise<Storage<string>>
  dispose(): Promise<void>
}

/** A store on a medium that outlives it: `open` opens it, at first and again; `cleanUp` comes when it is closed for good. */
export async function durableTestStore(
  open: (medium: FaultyMedium) => Promise<Storage<string>>,
  cleanUp?: () => Promise<void>,
): Promise<TestStore> {
  const medium = new FaultyMedium()
  let storage = await open(medium)
  return {
    ...{ storage, medium },
    async reopen() {
      await storage.close()
      storage = await open(medium)
      return storage
    },
    async dispose() {
      await storage.close()
      await cleanUp?.()
    },
  }
}

/** A memory of the recent past so small that nearly everything has to come from the log. */
export const TINY_RECENT: RecentLimits = { changes: 3, bytes: 10_000 }

export const factsOf = (_key: string, value: Buffer) => value.toString().toUpperCase()

/** Values of the suite are `text@revision`. */
export const restampText = (value: Buffer, revision: number) => {
  const own = Buffer.from(value.toString().replace(/\d*$/, String(revision)))
  const bytes = Buffer.allocUnsafeSlow(own.length)
  own.copy(bytes)
  return bytes
}

/** Holds, fails, or loses the answer of writes on their way to the medium. */
export class FaultyMedium {
  #held: PromiseWithResolvers<void> | undefined
  #failure: { when: 'before' | 'after'; error: Error } | undefined
  #arrived = Promise.withResolvers<void>()

  /** Nothing is written until `release`. */
  hold(): void {
    this.#held = Promise.withResolvers()
    this.#arrived = Promise.withResolvers()
  }

  /** Resolves when a write waits at the medium. */
  get arrival(): Promise<void> {
    return this.#arrived.promise
  }

  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  /** From now on writes fail: before they reach the medium, or after, so that they are there although they failed. */
  fail(when: 'before' | 'after', error: Error): void {
    this.#failure = { when, error }
  }

  heal(): void {
    this.#failure = undefined
  }

  async pass(write: () => Promise<void>): Promise<void> {
    this.#arrived.resolve()
    await this.#held?.promise
    const failure = this.#failure
    if (failure?.when === 'before') throw failure.error
    await write()
    if (failure?.when === 'after') throw failure.error
  }
}

export interface WriteOptions {
  readonly expect?: number | undefined
  readonly durability?: 'synced' | 'relaxed'
}

/** Stores `text@revision`. */
export function put(storage: Storage<string>, key: string, text: string, options: WriteOptions = {}): Promise<Change<string>> {
  return storage.write(wish(key, text, options))
}

export function remove(storage: Storage<string>, key: string, options: WriteOptions = {}): Promise<Change<string>> {
  const { expect, durability = 'synced' } = options
  return storage.write({ type: 'delete', key, expect, durability })
}

export function wish(key: string, text: string, { expect, durability = 'synced' }: WriteOptions): Put<string> {
  const encode = (revision: number) => Buffer.from(`${text}@${revision}`)
  return { type: 'put', key, expect, durability, encode, facts: text.toUpperCase() }
}

/** A subscriber that remembers everything, and checks nothing. */
export class Collector {
  readonly changes: Change<string>[] = []
  readonly batches: number[] = []
  ended: Error | undefined
  readonly subscription: Subscription
  readonly #waiting: { ready: () => boolean; resolve: () => void }[] = []

  constructor(storage: Storage<string>, from: number) {
    const listener = (changes: readonly Change<string>[]) => {
      this.changes.push(...changes)
      this.batches.push(changes.length)
      this.#wake()
    }
    this.subscription = storage.subscribe(from, listener, (reason) => {
      this.ended = reason
      this.#wake()
    })
  }

  get revisions(): number[] {
    return this.changes.map((change) => change.revision)
  }

  /** Resolves when the change of this revision has come, or the subscription has ended. */
  reached(revision: number): Promise<void> {
    return this.#until(() => this.ended !== undefined || (this.changes.at(-1)?.revision ?? 0) >= revision)
  }

  end(): Promise<void> {
    return this.#until(() => this.ended !== undefined)
  }

  #until(ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ ready, resolve })
      this.#wake()
    })
  }

  #wake(): void {
    for (const { ready, resolve } of this.#waiting) if (ready()) resolve()
  }
}

/** `[from + 1, …, to]` */
export function revisionsBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + 1 + index)
}

/** Runs a test body with a store of its own, and cleans up whatever happens. */
export async function withStore(driver: StorageDriver, options: StoreOptions, body: (store: TestStore) => Promise<void>): Promise<void> {
  const store = await driver.create(options)
  try {
    await body(store)
  } finally {
    await store.dispose()
  }
}

/** A turn of the loop: what was arranged for "later" has run afterwards. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export async function readAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
