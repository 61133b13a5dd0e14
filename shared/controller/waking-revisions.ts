import { toldRevision } from '../informer/told-revision.ts'
import type { WorkQueue } from './work-queue.ts'

/** Which revision woke each key that waits: the newest of several. What is put off keeps the one it had. */
export class WakingRevisions {
  readonly #queue: Pick<WorkQueue, 'add'>
  readonly #revisions = new Map<string, string>()

  constructor(queue: Pick<WorkQueue, 'add'>) {
    this.#queue = queue
  }

  /** Marks a key, from within a listener of a cache or not. */
  add(key: string): void {
    this.note(key)
    this.#queue.add(key)
  }

  note(key: string): void {
    const revision = toldRevision()
    if (revision !== undefined) this.#revisions.set(key, revision)
  }

  /** Of a key that is worked on now. */
  take(key: string): string | undefined {
    const revision = this.#revisions.get(key)
    this.#revisions.delete(key)
    return revision
  }

  /** Of one that will be looked at again without a change. */
  keep(key: string, revision: string | undefined): void {
    if (revision !== undefined && !this.#revisions.has(key)) this.#revisions.set(key, revision)
  }
}
