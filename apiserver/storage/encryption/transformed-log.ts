import type { LoadedLog, Reference, RevisionLog, Touch } from '../revision-log.ts'
import type { Change, Entry, Mark, StorageOptions } from '../storage.ts'
import { StoredEntry } from '../stored-entry.ts'
import { UnreadableEntry } from './unreadable-entry.ts'
import type { StoredForm, ValueTransformer } from './value-transformer.ts'

/** A log that has stored forms of values, seen as one that has values. Without a transformer it is the log itself. */
export function transformedLog<F>(loaded: LoadedLog<F>, { transformer, facts }: StorageOptions<F>): LoadedLog<F> {
  if (transformer === undefined) return loaded
  const log = new TransformedLog(loaded.log, transformer, facts)
  return { ...loaded, log, present: log.plainOf(loaded.present) }
}

class TransformedLog<F> implements RevisionLog<F> {
  readonly #log: RevisionLog<F>
  readonly #transformer: ValueTransformer
  readonly #facts: (key: string, value: Buffer) => F
  /** What lies on the medium, of entries of which it is not the value: the log checks what a change replaces by it. */
  readonly #stored = new WeakMap<Entry<F>, Entry<F>>()

  constructor(log: RevisionLog<F>, transformer: ValueTransformer, facts: (key: string, value: Buffer) => F) {
    this.#log = log
    this.#transformer = transformer
    this.#facts = facts
  }

  gather(action: () => void): void {
    this.#log.gather(action)
  }

  append(changes: readonly Change<F>[], sync: boolean): Promise<void> {
    return this.#log.append(
      changes.map((change) => this.#toStorage(change)),
      sync,
    )
  }

  async read(from: number, to: number, limit: number): Promise<Change<F>[]> {
    const changes = await this.#log.read(from, to, limit)
    return changes.map((change) => {
      const entry = this.#plain(change.entry)
      const previous = change.previous && this.#plain(change.previous)
      return entry === change.entry && previous === change.previous ? change : { ...change, entry, previous }
    })
  }

  touches(from: number, to: number): AsyncIterable<Touch> {
    return this.#log.touches(from, to)
  }

  async fetch(key: string, reference: Reference): Promise<Entry<F> | undefined> {
    const stored = await this.#log.fetch(key, reference)
    return stored && this.#plain(stored)
  }

  formOf(entry: Entry<F>): StoredForm {
    return this.#transformer.formOf(entry.key, (this.#stored.get(entry) ?? entry).value)
  }

  mark(revision: number): Promise<Mark | undefined> {
    return this.#log.mark(revision)
  }

  compact(revision: number): Promise<void> {
    return this.#log.compact(revision)
  }

  recover(): Promise<void> {
    return this.#log.recover()
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  *plainOf(entries: Iterable<Entry<F>>): Generator<Entry<F>, void, undefined> {
    for (const entry of entries) yield this.#plain(entry)
  }

  #toStorage(change: Change<F>): Change<F> {
    const { key, entry, previous } = change
    const value = this.#transformer.toStorage(key, entry.value)
    const before = previous && this.#stored.get(previous)
    if (value === entry.value && before === undefined) return change
    if (value === entry.value) return { ...change, previous: before }
    const { revision, createRevision, facts } = entry
    const stored = { key, value, revision, createRevision, facts }
    this.#stored.set(entry, stored)
    return { ...change, entry: stored, previous: before ?? previous }
  }

  #plain(stored: Entry<F>): Entry<F> {
    const entry = this.#opened(stored)
    if (entry !== stored) this.#stored.set(entry, stored)
    return entry
  }

  #opened(stored: Entry<F>): Entry<F> {
    const { key, revision, createRevision } = stored
    const open = () => this.#transformer.fromStorage(key, stored.value)
    try {
      const value = open()
      return value === stored.value ? stored : new StoredEntry({ key, revision, createRevision, value }, this.#facts)
    } catch {
      // Told to whoever asks for it: one value must not keep the others from being read.
      return new UnreadableEntry({ key, revision, createRevision }, open, this.#facts)
    }
  }
}
