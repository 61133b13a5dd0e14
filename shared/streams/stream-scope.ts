import type { Readable, Writable } from 'node:stream'
import type { Logger } from '../logging/logger.ts'
import type { Clock } from '../time/clock.ts'

/** What a scope can hold: any stream or socket. */
export type OwnedStream = Readable | Writable

const MOST_LISTENERS = 30
/** How long a peer may take to read the last bytes and hang up before the connection is cut. Milliseconds. */
const FAREWELL = 5_000

/**
 * All that one streaming request holds open: sockets, streams, timers, commands. It ends exactly once, and everything it owns ends with it. A
 * stream gets its listener for errors when it is taken into ownership, so that no break, however late, is anybody else's: an `error` event
 * without a listener would end the process, and with it every other session.
 */
export class StreamScope {
  readonly #what: string
  readonly #log: Logger
  readonly #control = new AbortController()
  readonly #owned = new Set<OwnedStream>()
  readonly #acts = new Set<() => void>()

  /** @param what for the log: which request this is */
  constructor(what: string, log: Logger) {
    this.#what = what
    this.#log = log
  }

  /** Aborts when the scope ends; its reason says why. */
  get signal(): AbortSignal {
    return this.#control.signal
  }

  get isOver(): boolean {
    return this.#control.signal.aborted
  }

  /** From now on the stream's errors are this scope's; when it ends is somebody else's matter. */
  listen<T extends OwnedStream>(stream: T): T {
    // A tunnelled socket has many who wait for its end: node's own, two pipelines, and its scope.
    stream.setMaxListeners(MOST_LISTENERS)
    stream.on('error', (error) => this.#log.debug('a stream broke', { of: this.#what, error: error.message }))
    return stream
  }

  /** From now on the stream's errors are this scope's, and its life no longer. Its break alone does not end the scope. */
  own<T extends OwnedStream>(stream: T): T {
    this.listen(stream)
    if (this.isOver) stream.destroy()
    else if (!stream.destroyed) {
      this.#owned.add(stream)
      stream.once('close', () => this.#owned.delete(stream))
    }
    return stream
  }

  /** Owns the connection to the client: when it closes, the scope ends. */
  follow<T extends OwnedStream>(stream: T): T {
    this.own(stream)
    const left = () => this.end(new Error('the client went away'))
    if (stream.destroyed) left()
    else stream.once('close', left)
    return stream
  }

  /** Calls back once when the scope ends, at once if it has; the answer takes the call back. */
  onEnd(act: () => void): () => void {
    if (this.isOver) act()
    else this.#acts.add(act)
    return () => void this.#acts.delete(act)
  }

  /** A listener whose exceptions end this scope, not the process. */
  guard<Arguments extends unknown[]>(listener: (...values: Arguments) => void): (...values: Arguments) => void {
    return (...values) => {
      if (this.isOver) return
      try {
        listener(...values)
      } catch (error) {
        this.#log.warn('a streaming session failed', { of: this.#what, error })
        this.end(error)
      }
    }
  }

  /** Sends what is written and waits for the peer to hang up, but not for ever. */
  async farewell(stream: Writable & Partial<Readable>, clock: Clock): Promise<void> {
    if (stream.destroyed) return
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()))
    const limit = clock.after(FAREWELL, () => stream.destroy())
    if (!stream.writableEnded) stream.end()
    // Unread bytes would hide the peer's end from us.
    stream.resume?.()
    await closed
    limit.cancel()
  }

  /** Ends everything that is owned, once; later calls do nothing. */
  end(reason: unknown = new Error('the session is over')): void {
    if (this.isOver) return
    this.#control.abort(reason)
    for (const act of this.#acts) this.#attempt(act)
    this.#acts.clear()
    for (const stream of [...this.#owned]) stream.destroy()
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#log.warn('a part of a session could not be ended', { of: this.#what, error })
    }
  }
}

/** The streaming requests of one server. */
export class StreamScopes {
  readonly #log: Logger
  readonly #open = new Map<StreamScope, string>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** How many are open, by what they serve: for the server's metrics. */
  *counts(): Iterable<[{ verb: string }, number]> {
    const sums = new Map<string, number>()
    for (const verb of this.#open.values()) sums.set(verb, (sums.get(verb) ?? 0) + 1)
    for (const [verb, count] of sums) yield [{ verb }, count]
  }

  get size(): number {
    return this.#open.size
  }

  /** Does the work in a scope of its own, which is over when this settles, however the work went. Rejects as the work does. */
  async run<T>(verb: string, what: string, work: (scope: StreamScope) => Promise<T>): Promise<T> {
    const scope = new StreamScope(what, this.#log)
    this.#open.set(scope, verb)
    try {
      return await work(scope)
    } finally {
      scope.end()
      this.#open.delete(scope)
    }
  }

  /** Ends all of them. */
  endAll(): void {
    for (const scope of [...this.#open.keys()]) scope.end(new Error('the server is stopping'))
  }
}
