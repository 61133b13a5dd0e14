/** One stored object. `value` is the JSON that clients are sent, serialised once, at commit, with its resourceVersion inside. */
export interface Entry<F = unknown> {
  /** `<group or core>/<resource>/<namespace>/<name>`, without the namespace for cluster-scoped kinds (see keys.ts). */
  readonly key: string
  readonly value: Buffer
  /** The revision that wrote this value: the object's resourceVersion. */
  readonly revision: number
  /** The revision that created the object. */
  readonly createRevision: number
  /** What the layer above keeps beside the bytes (labels, selectable fields, owners); never persisted. See `StorageOptions.facts`. */
  readonly facts: F
}

/** One committed change. Revisions over the whole store have no gap and no repeat: every change is one revision. */
export interface Change<F = unknown> {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly revision: number
  /** The new state; for a delete the last state, re-stamped with the revision of the delete. */
  readonly entry: Entry<F>
  /** What was there before; undefined for a creation. */
  readonly previous: Entry<F> | undefined
}

/** A wish to change one key. */
export interface Write<F = unknown> {
  readonly key: string
  /**
   * The bytes to store (or, for a delete, to send to watchers as the last state), given the revision that the change
   * gets. Called exactly once, when the revision is fixed.
   */
  readonly encode: (revision: number) => Buffer
  readonly type: 'put' | 'delete'
  /** The revision the key must have now; 0: must not exist; undefined: whatever it is. */
  readonly expect: number | undefined
  /** Relaxed writes (Leases, Events) are acknowledged without waiting for the disk; a power cut may lose the newest of them, a kill of the process may not. */
  readonly durability: 'synced' | 'relaxed'
  /** Becomes `Entry.facts`. */
  readonly facts: F
}

/** The precondition of a write did not hold; nothing was written. */
export class StorageConflict extends Error {
  override readonly name = 'StorageConflict'
  readonly key: string
  /** What is stored now, if anything. */
  readonly current: Entry | undefined
  constructor(key: string, current: Entry | undefined) {
    super(`the write to ${key} expected another revision than ${current?.revision ?? 'absent'}`)
    this.key = key
    this.current = current
  }
}

/** The revision asked for has been compacted away (HTTP 410 above). */
export class RevisionCompacted extends Error {
  override readonly name = 'RevisionCompacted'
  readonly compacted: number
  constructor(asked: number, compacted: number) {
    super(`revision ${asked} is compacted; the oldest one kept is ${compacted}`)
    this.compacted = compacted
  }
}

/** The revision asked for lies ahead of this store. */
export class RevisionAhead extends Error {
  override readonly name = 'RevisionAhead'
  constructor(asked: number, newest: number) {
    super(`revision ${asked} is ahead of the store, which is at ${newest}`)
  }
}

/** The store cannot take writes (disk full, I/O error, closing); the cause says why. Reads go on. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable'
}

export interface StorageOptions<F> {
  /** Computes `facts` from bytes: called for entries read back from disk, lazily or at open. */
  facts: (key: string, value: Buffer) => F
}

export interface Page<F> {
  readonly entries: readonly Entry<F>[]
  /** True when keys after the last entry match too. */
  readonly more: boolean
  /** How many entries of the prefix follow this page (exact). */
  readonly remaining: number
}

export interface Subscription {
  /** Stops the calls; idempotent. */
  close(): void
}

/**
 * The contract of the store: a revisioned log with the present in memory. The present (`get`, `entries`) is
 * synchronous and contains every acknowledged write; a driver whose truth lives elsewhere (etcd) mirrors it, and
 * `barrier` waits until the mirror has caught up. Suite: test/contract/storage.ts.
 */
export interface Storage<F = unknown> {
  /** The newest revision in the present. 0 only before the first write; the first write is revision 1. */
  readonly revision: number
  /** Changes and exact reads at or below this revision are refused. Moves by `compact`. */
  readonly compacted: number

  get(key: string): Entry<F> | undefined
  /** The present of a key prefix (a whole segment, e.g. `core/pods/` or `core/pods/default/`), in key order. Not to be kept across an await. */
  entries(prefix: string): Iterable<Entry<F>>
  count(prefix: string): number
  /** A page of the present in key order, after key `after`. */
  page(prefix: string, options: { after?: string | undefined; limit?: number | undefined }): Page<F>

  /** State as of an exact past revision. @throws RevisionCompacted, RevisionAhead */
  getAt(key: string, revision: number): Promise<Entry<F> | undefined>
  pageAt(prefix: string, revision: number, options: { after?: string | undefined; limit?: number | undefined }): Promise<Page<F>>

  /** Resolves, with the committed change, when the write is as durable as its class asks. Concurrent writes share one sync (group commit). @throws StorageConflict, StorageUnavailable */
  write(write: Write<F>): Promise<Change<F>>

  /** Resolves when the present includes everything acknowledged by anyone before the call. */
  barrier(): Promise<void>

  /**
   * Every change after `fromRevision`, once and in order, in batches: first what was committed already, then live.
   * Live batches are delivered after the writes of the batch were acknowledged (a later turn of the loop), coalesced.
   * @throws RevisionCompacted, RevisionAhead
   */
  subscribe(fromRevision: number, listener: (changes: readonly Change<F>[]) => void): Subscription

  /** The log between two revisions (exclusive, inclusive), for history features. @throws RevisionCompacted */
  changes(fromRevision: number, toRevision: number): AsyncIterable<Change<F>>

  /** Forgets the log up to and including `revision`; the present is not touched. */
  compact(revision: number): Promise<void>

  /** Finishes writes in flight, then releases the files. */
  close(): Promise<void>
}
