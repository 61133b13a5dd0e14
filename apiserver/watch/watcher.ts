import type { Timer } from '../../shared/time/clock.ts'
import type { Reply } from '../http/exchange.ts'
import type { Audience } from './audience.ts'

/** How much of a prelude is joined into one write. */
const CHUNK_BYTES = 256 * 1024

/** Who must know how a watcher is doing. */
export interface WatcherListener {
  over(watcher: Watcher): void
  /** It had been slow, and has everything now. */
  caughtUp(watcher: Watcher): void
}

/** One watch connection: what it is sent first, then its place in the log of its audience. */
export class Watcher {
  readonly audience: Audience
  /** Up to here it has the audience's log. */
  position: number
  readonly #reply: Reply
  readonly #skip: number
  /** Frames that come before the log: initial state, or what happened between its revision and now. Undefined while they are being read. */
  #prelude: Iterator<Buffer> | undefined
  #isReading = true
  #isBlocked = false
  #isOver = false
  #timer: Timer | undefined
  readonly #listener: WatcherListener

  /** @param skip revisions up to this one are known to the watcher, even where the log brings them again */
  constructor(audience: Audience, reply: Reply, skip: number, listener: WatcherListener) {
    this.audience = audience
    this.position = audience.end
    this.#reply = reply
    this.#skip = skip
    this.#listener = listener
    reply.onClose(() => this.#over())
  }

  get isOver(): boolean {
    return this.#isOver
  }

  endWith(timer: Timer): void {
    this.#timer = timer
  }

  /** Says what comes before the log, and lets it flow. */
  begin(prelude: Iterable<Buffer>): void {
    this.#prelude = prelude[Symbol.iterator]()
    this.#isReading = false
    this.pump()
  }

  /** Instead of `begin`: what was to come before the log cannot be had, and this frame says why. */
  refuse(last: Buffer): void {
    if (this.#isOver) return
    this.#reply.write(last)
    this.#reply.end()
    this.#over()
  }

  /** Writes what is pending, as far as the peer takes it. */
  pump(): void {
    if (this.#isReading || this.#isBlocked || this.#isOver) return
    while (this.#prelude) {
      const chunk = this.#nextChunk()
      if (!chunk) break
      if (!this.#write(chunk)) return
    }
    while (this.position !== this.audience.end) {
      const { bytes, end } = this.audience.pending(this.position, this.#skip)
      this.position = end
      if (bytes && !this.#write(bytes)) return
    }
  }

  /** Ends the stream in order, after a last frame if there is one. */
  finish(last?: Buffer): void {
    if (this.#isOver) return
    // Who has not got everything must not be told how far it is; and half an event is no orderly end.
    const isBehind = this.#isReading || this.#prelude !== undefined || this.position !== this.audience.end
    if (isBehind && this.audience.isInsideFrame(this.position)) return this.abort()
    if (last && !isBehind) this.#reply.write(last)
    this.#reply.end()
    this.#over()
  }

  /** The peer is too slow, or the stream cannot be right any more: it must notice that this is no orderly end. */
  abort(): void {
    if (this.#isOver) return
    this.#reply.abort()
    this.#over()
  }

  #nextChunk(): Buffer | undefined {
    const frames: Buffer[] = []
    let size = 0
    while (size < CHUNK_BYTES) {
      const next = this.#prelude!.next()
      if (next.done) {
        this.#prelude = undefined
        break
      }
      frames.push(next.value)
      size += next.value.length
    }
    return frames.length > 0 ? Buffer.concat(frames) : undefined
  }

  #write(bytes: Buffer): boolean {
    if (this.#reply.write(bytes)) return true
    this.#isBlocked = true
    this.#reply.onDrain(() => {
      this.#isBlocked = false
      this.pump()
      if (this.position === this.audience.end) this.#listener.caughtUp(this)
    })
    return false
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#listener.over(this)
  }
}
