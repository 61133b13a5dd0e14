import type { RecentLimits } from './recent-changes.ts'
import type { Reference, RevisionLog, Touch } from './revision-log.ts'
import { RevisionedStorage } from './revisioned-storage.ts'
import type { Change, Entry, Mark, Storage, StorageOptions } from './storage.ts'

export interface MemoryStorageOptions<F> extends StorageOptions<F> {
  readonly recent?: RecentLimits | undefined
  /** Stands in for a medium: runs the write, sooner or later or not at all. Tests put faults here. */
  readonly medium?: ((write: () => Promise<void>) => Promise<void>) | undefined
  /** Default: empty. */
  readonly initial?: InitialState | undefined
}

/** What a store begins with. Its log begins after that. */
export interface InitialState {
  /** The newest revision there was; every object's is no higher. */
  readonly revision: number
  readonly objects: Iterable<{ readonly key: string; readonly value: Buffer; readonly revision: number }>
}

/** A log that lasts as long as the process. */
class MemoryLog<F> implements RevisionLog<F> {
  /** Without gap: the change at index i has revision `#compacted + 1 + i`. */
  #changes: Change<F>[] = []
  #marks: number[] = []
  #compacted: number
  #bytes = 0
  readonly #medium: (write: () => Promise<void>) => Promise<void>

  constructor(medium: (write: () => Promise<void>) => Promise<void>, compacted: number) {
    this.#medium = medium
    this.#compacted = compacted
  }

  gather(action: () => void): void {
    queueMicrotask(action)
  }

  append(changes: readonly Change<F>[]): Promise<void> {
    return this.#medium(() => {
      for (const change of changes) {
        this.#changes.push(change)
        this.#marks.push((this.#bytes += change.entry.value.length))
      }
      return Promise.resolve()
    })
  }

  read(from: number, to: number, limit: number): Promise<Change<F>[]> {
    return Promise.resolve(this.#slice(from, Math.min(to, from + limit)))
  }

  async *touches(from: number, to: number): AsyncGenerator<Touch, void, undefined> {
    for (const { key, previous } of this.#slice(from, to)) yield { key, previous }
  }

  fetch(key: string, reference: Reference): Promise<Entry<F> | undefined> {
    const written = this.#changes[reference.revision - this.#compacted - 1]?.entry
    if (written?.key === key && written.revision === reference.revision) return Promise.resolve(written)
    for (const { entry, previous } of this.#changes) {
      if (entry.key !== key) continue
      if (entry.revision === reference.revision) return Promise.resolve(entry)
      if (previous?.revision === reference.revision) return Promise.resolve(previous)
    }
    return Promise.resolve(undefined)
  }

  mark(revision: number): Promise<Mark | undefined> {
    const index = revision - this.#compacted - 1
    const change = this.#changes[index]
    return Promise.resolve(change === undefined ? undefined : { revision, time: change.time, bytes: this.#marks[index]! })
  }

  compact(revision: number): Promise<void> {
    this.#changes = this.#slice(revision, Number.MAX_SAFE_INTEGER)
    this.#marks = this.#marks.slice(revision - this.#compacted)
    this.#compacted = revision
    return Promise.resolve()
  }

  recover(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #slice(from: number, to: number): Change<F>[] {
    return this.#changes.slice(Math.max(0, from - this.#compacted), Math.max(0, to - this.#compacted))
  }
}

/** The driver for tests and throw-away clusters: everything the contract promises but to outlive the process. */
export function createMemoryStorage<F>(options: MemoryStorageOptions<F>): Storage<F> {
  const { revision = 0, objects = [] } = options.initial ?? {}
  const log = new MemoryLog<F>(options.medium ?? ((write) => write()), revision)
  const present: Entry<F>[] = []
  for (const { key, value, revision: written } of objects) {
    present.push({ key, value, revision: written, createRevision: written, facts: options.facts(key, value) })
  }
  return new RevisionedStorage<F>({ log, revision, compacted: revision, present }, options)
}
