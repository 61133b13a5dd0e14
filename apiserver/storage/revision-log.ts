import type { StoredForm } from './encryption/value-transformer.ts'
import type { Change, Entry, Mark } from './storage.ts'

/** Where an old state lies in the log. */
export interface Reference {
  readonly revision: number
  readonly createRevision: number
  /** The checksum of the value, where the medium needs one. */
  readonly check?: number
}

/** That a key changed, and from what: undefined when it did not exist. */
export interface Touch {
  readonly key: string
  readonly previous: Reference | undefined
}

/**
 * What a driver supplies to `RevisionedStorage`: the log on its medium. Revisions are checked and assigned before it
 * is called, and one `append` runs at a time; reads run beside it.
 */
export interface RevisionLog<F> {
  /**
   * Runs the action when writes that arrive together have had the chance to: they then share one append. A driver with
   * costly appends waits for the end of the loop's turn.
   */
  gather(action: () => void): void
  /** Adds changes, all or none. `sync`: resolve only when they and everything before would survive a power cut. After a failure `recover` is called before anything else is appended. */
  append(changes: readonly Change<F>[], sync: boolean): Promise<void>
  /** The changes after `from` up to and including `to`, in order, at most `limit` of them; fewer only at the end of the log or of what was compacted away. */
  read(from: number, to: number, limit: number): Promise<Change<F>[]>
  /** Every change after `from` up to `to`, in order, without its values. */
  touches(from: number, to: number): AsyncIterable<Touch>
  /** The state of a key that was written at the reference's revision; undefined when it was compacted away meanwhile. */
  fetch(key: string, reference: Reference): Promise<Entry<F> | undefined>
  /** See `Storage.formOf`; absent where values have one form. */
  formOf?(entry: Entry<F>): StoredForm
  mark(revision: number): Promise<Mark | undefined>
  /** Forgets what no state from `revision` on needs; ends early when the log closes. */
  compact(revision: number): Promise<void>
  /** Makes the log usable after a failed append, whose changes are afterwards either all readable or all absent. */
  recover(): Promise<void>
  close(): Promise<void>
}

/** What a log holds when it is opened. */
export interface LoadedLog<F> {
  readonly log: RevisionLog<F>
  readonly revision: number
  readonly compacted: number
  readonly present: Iterable<Entry<F>>
}
