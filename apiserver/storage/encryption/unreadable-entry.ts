import type { Entry } from '../storage.ts'

/**
 * An object whose value is there and does not open. It has its place in lists and its revision; whoever asks for its value or facts is told why
 * not (and gets them once its key is there again). So nobody is shown a list that lacks it, as with upstream.
 */
export class UnreadableEntry<F> implements Entry<F> {
  readonly key: string
  readonly revision: number
  readonly createRevision: number
  readonly #open: () => Buffer
  readonly #compute: (key: string, value: Buffer) => F
  #value: Buffer | undefined
  #facts: { readonly value: F } | undefined

  /** `open` reads the value, or throws what is thrown to whoever asks. */
  constructor(stored: Omit<Entry, 'facts' | 'value'>, open: () => Buffer, compute: (key: string, value: Buffer) => F) {
    this.key = stored.key
    this.revision = stored.revision
    this.createRevision = stored.createRevision
    this.#open = open
    this.#compute = compute
  }

  /** @throws UnreadableValue */
  get value(): Buffer {
    return this.open()
  }

  /** @throws UnreadableValue */
  open(): Buffer {
    this.#value ??= this.#open()
    return this.#value
  }

  /** @throws UnreadableValue */
  get facts(): F {
    this.#facts ??= { value: this.#compute(this.key, this.value) }
    return this.#facts.value
  }
}

/** To be asked before an answer of several pieces begins. @throws UnreadableValue for the first entry that does not open */
export function refuseUnreadable<F>(entries: readonly Entry<F>[]): void {
  for (const entry of entries) if (entry instanceof UnreadableEntry) entry.open()
}
