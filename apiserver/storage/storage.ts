import type { Clock } from '../../shared/time/clock.ts'
import type { ClaimBook, ClaimChanges } from './claims.ts'
import type { StoredForm, ValueTransformer } from './encryption/value-transformer.ts'

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

/**
 * One committed change. No two changes of a store share a revision, and a later one has a higher: every change is one revision. There may be
 * revisions without a change, where the medium counts more than this store's (etcd).
 */
export interface Change<F = unknown> {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly revision: number
  /** The new state; for a delete what was there before, under the revision of the delete. */
  readonly entry: Entry<F>
  /** What was there before; undefined for a creation. */
  readonly previous: Entry<F> | undefined
  /**
   * Wall time in milliseconds when the revision was given; may go back when the machine's clock does. Where another machine gives
   * revisions (etcd): when this process learned of it.
   */
  readonly time: number
}

interface Wish {
  readonly key: string
  /**
   * The revision the key must have now; 0: must not exist; undefined: whatever it is. A delete also expects that it exists.
   * Writes to the key that are queued in front count as done.
   */
  readonly expect: number | undefined
  /** Relaxed writes (Leases, Events) are acknowledged without waiting for the disk; a power cut may lose the newest of them, a kill of the process may not. */
  readonly durability: 'synced' | 'relaxed'
  /** What is decided with this write, for its object. Only where the store has `claims`; left out elsewhere. */
  readonly claims?: ClaimChanges | undefined
}

/** A wish to give a key a state. */
export interface Put<F = unknown> extends Wish {
  readonly type: 'put'
  /**
   * The bytes to store, given the revision that the change gets. Pure, and called at most once: with that revision where it is known
   * before the commit, else with 0, and `StorageOptions.restamp` puts the revision in.
   */
  readonly encode: (revision: number) => Buffer
  /** Becomes `Entry.facts`. */
  readonly facts: F
}

/** A wish to remove a key. Watchers are sent what was there. */
export interface Delete extends Wish {
  readonly type: 'delete'
}

/** A wish to change one key. */
export type Write<F = unknown> = Put<F> | Delete

/** The precondition of a write did not hold; nothing was written. */
export class StorageConflict extends Error {
  override readonly name = 'StorageConflict'
  readonly key: string
  /** What is stored now, durably, if anything. */
  readonly current: Entry | undefined
  constructor(key: string, current: Entry | undefined) {
    super(`the write to ${key} expected another state than ${current === undefined ? 'absent' : `revision ${current.revision}`}`)
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

/**
 * The present was read anew, because changes up to a revision came and went unseen (a mirror that was away for longer than the medium remembers).
 * Who follows changes begins again with what there is, and with what is gone.
 */
export class PresentReplaced extends RevisionCompacted {
  /** What was there before and is not any more. */
  readonly gone: readonly Entry[]
  constructor(asked: number, compacted: number, gone: readonly Entry[]) {
    super(asked, compacted)
    this.gone = gone
  }
}

/** The revision asked for lies ahead of this store. */
export class RevisionAhead extends Error {
  override readonly name = 'RevisionAhead'
  constructor(asked: number, newest: number) {
    super(`revision ${asked} is ahead of the store, which is at ${newest}`)
  }
}

/**
 * The store cannot take writes (disk full, I/O error, no quorum, closing); the cause says why. Reads go on. Whether the write happened all the
 * same is not known, as with any database; who needs to know reads again.
 */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable'
}

/** The medium takes no value as large as this one. Nothing was written. */
export class ValueTooLarge extends Error {
  override readonly name = 'ValueTooLarge'
  readonly bytes: number
  constructor(bytes: number, options?: { cause?: unknown }) {
    super(`a value of ${bytes} bytes is more than the store takes`, options)
    this.bytes = bytes
  }
}

/** Why a store cannot be opened, and what a person can do about it: locked, of a newer format, damaged. */
export class StorageRefused extends Error {
  override readonly name = 'StorageRefused'
}

export interface StorageOptions<F> {
  /** Computes `facts` from bytes: called for entries read back from disk, lazily or at open. */
  facts: (key: string, value: Buffer) => F
  /** Stored bytes under another revision, in memory of their own: `restamp(encode(1), 2)` is `encode(2)`. */
  restamp: (value: Buffer, revision: number) => Buffer
  /** Stamps changes, and paces attempts to recover from failed writes. */
  clock: Clock
  /** How values are written to a medium that outlives the process. Left out: as they are. */
  transformer?: ValueTransformer | undefined
}

export interface Page<F> {
  readonly entries: readonly Entry<F>[]
  /** True when keys after the last entry match too. */
  readonly more: boolean
  /** How many entries of the prefix follow this page (exact). */
  readonly remaining: number
}

/** A point of the log. The difference of the `bytes` of two marks is the size of the values between them, as they are stored. */
export interface Mark {
  readonly revision: number
  /** Wall time in milliseconds. */
  readonly time: number
  /** Bytes of values written since the store was made. */
  readonly bytes: number
}

export interface Subscription {
  /** Whether every change that is in the present has been handed over; the store's revision may be ahead of the newest. */
  readonly isCurrent: boolean
  /** Stops the calls; idempotent. */
  close(): void
}

/**
 * The contract of the store: a revisioned log with the present in memory. The present (`get`, `entries`) is
 * synchronous and contains every acknowledged write; a driver whose truth lives elsewhere (etcd) mirrors it, and
 * `barrier` waits until the mirror has caught up. Suite: test/contract/storage.ts.
 */
export interface Storage<F = unknown> {
  /** The newest revision in the present. 0 only before the first write. */
  readonly revision: number
  /** Subscriptions and exact reads from before this revision are refused (from exactly this one they are possible). Moves by `compact`. */
  readonly compacted: number

  get(key: string): Entry<F> | undefined
  /**
   * What the key will be when the writes queued in front are durable. Only to base an optimistic write on, so that writers of one
   * object share syncs instead of losing conflicts; never to be shown, and a refusal derived from it is to be re-checked with `get`
   * (after `settled`), because the writes in front may still fail. Where revisions are given at the commit (etcd), it is the present.
   */
  newest(key: string): Entry<F> | undefined
  /** Resolves when every write to the key that is queued now is durable or has failed. */
  settled(key: string): Promise<void>
  /** The present of a key prefix (a whole segment, e.g. `core/pods/` or `core/pods/default/`), in key order. Not to be kept across an await. */
  entries(prefix: string): Iterable<Entry<F>>
  count(prefix: string): number
  /** A number that is another one after every change under the prefix of a resource: what was made of its entries may be kept till then. */
  version(prefix: string): number
  /** A page of the present in key order, after key `after`. */
  page(prefix: string, options: { after?: string | undefined; limit?: number | undefined }): Page<F>

  /** How the value of an entry of the present lies on the medium; `newest` where that is not for long. */
  formOf(entry: Entry<F>): StoredForm

  /** State as of an exact past revision. @throws RevisionCompacted, RevisionAhead */
  getAt(key: string, revision: number): Promise<Entry<F> | undefined>
  pageAt(prefix: string, revision: number, options: { after?: string | undefined; limit?: number | undefined }): Promise<Page<F>>

  /** Resolves, with the committed change, when the write is as durable as its class asks, in the order of revisions. Concurrent writes share one sync (group commit). @throws StorageConflict, ClaimsTaken, TooManyClaims, StorageUnavailable, ValueTooLarge */
  write(write: Write<F>): Promise<Change<F>>

  /**
   * Resolves when the present includes everything acknowledged by anyone before the call; undefined: it does, for nobody else writes.
   * @throws StorageUnavailable
   */
  barrier(): Promise<void> | undefined

  /** Who holds what, where several processes write to one store; undefined: this one writes alone, and its memory knows. */
  readonly claims: ClaimBook | undefined

  /**
   * Every change after `fromRevision`, once and in order, in batches: first what was committed already, then live.
   * Batches are delivered in a later turn of the loop than the one in which they came into the present (and, with a local medium, were
   * acknowledged), coalesced, never from within this call.
   * `onEnd` is called once when the store ends the subscription: the log it had to catch up from was compacted away under it
   * (RevisionCompacted) or cannot be read, the present was read anew (PresentReplaced), the store closes (StorageUnavailable), or the listener threw.
   * @throws RevisionCompacted, RevisionAhead
   */
  subscribe(fromRevision: number, listener: (changes: readonly Change<F>[]) => void, onEnd?: (reason: Error) => void): Subscription

  /** The log between two revisions (exclusive, inclusive), for history features. @throws RevisionCompacted, RevisionAhead */
  changes(fromRevision: number, toRevision: number): AsyncIterable<Change<F>>

  /** When a revision after `compacted` was written and how much log lies before it; undefined for one that is forgotten, or of which the driver does not know it. For retention policies. */
  mark(revision: number): Promise<Mark | undefined>

  /**
   * The last change that is not later than the wall time; undefined where every change whose time is known is later. Times are taken to grow with
   * revisions: where the machine's clock went back, one of the answers that fit.
   */
  markAt(time: number): Promise<Mark | undefined>

  /** The first change after `compacted` whose time is known. */
  oldestMark(): Promise<Mark | undefined>

  /** Forgets the log up to and including `revision`, in small steps between which writes go on; the present is not touched. @throws RevisionAhead */
  compact(revision: number): Promise<void>

  /** Finishes writes in flight, then releases the files. */
  close(): Promise<void>
}
