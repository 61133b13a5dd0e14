import type { Clock, Timer } from '../time/clock.ts'

interface ServerListTools {
  clock: Clock
  /** Where in the list it begins, in [0, 1): not all clients should begin with the same server. */
  first: number
  /** Whether the server at the URL says that it is ready; false too when it does not answer. Ends with the signal. */
  isReady(url: string, signal: AbortSignal): Promise<boolean>
  /** How often a server in use is looked at. */
  lookMilliseconds?: number
  /** How long it may keep that look waiting before others are tried. */
  patienceMilliseconds?: number
}

/** A server that is silent is left when another has answered and it has not in so many times as long: on a busy machine all of them are late. */
const SLOWER = 3

/** One use of a server, from the request to the end of its answer. */
export interface ServerUse {
  readonly url: string
  /** Idempotent. */
  end(): void
}

/**
 * API servers of one cluster, one of which is asked for everything, so that what was written through it is seen through it. It is left when it
 * cannot be reached, and, since a stopped process or a lost machine breaks no connection, when it is silent while another one is ready.
 * A single server is never looked at.
 */
export class ServerList {
  readonly #urls: () => readonly string[]
  readonly #tools: Required<ServerListTools>
  readonly #listeners = new Set<(url: string) => void>()
  #current: string | undefined
  #uses = 0
  #looks: Timer | undefined
  #looking = false

  /** @param urls asked again and again: the file that they come from may change */
  constructor(urls: () => readonly string[], tools: ServerListTools) {
    this.#urls = urls
    this.#tools = { lookMilliseconds: 1_000, patienceMilliseconds: 2_000, ...tools }
  }

  /** How many there are. */
  get size(): number {
    return this.#urls().length
  }

  use(): ServerUse {
    const url = this.#choose()
    this.#uses++
    this.#looks ??= this.size > 1 ? this.#tools.clock.every(this.#tools.lookMilliseconds, () => void this.#look()) : undefined
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      if (--this.#uses === 0) this.#rest()
    }
    return { url, end }
  }

  /** The next one is in use from now on, unless the one named is not in use any more. */
  leave(url: string): void {
    const urls = this.#urls()
    if (url !== this.#current || urls.length < 2) return
    this.#moveTo(urls[(urls.indexOf(url) + 1) % urls.length] ?? url)
  }

  /** The listener ends what still waits for a server that was left. */
  onLeave(listener: (url: string) => void): void {
    this.#listeners.add(listener)
  }

  #choose(): string {
    const urls = this.#urls()
    const isKnown = this.#current !== undefined && urls.includes(this.#current)
    return (this.#current = isKnown ? this.#current : urls[Math.floor(this.#tools.first * urls.length)]) ?? ''
  }

  #moveTo(url: string): void {
    const left = this.#current
    this.#current = url
    if (left !== undefined) for (const listener of this.#listeners) listener(left)
  }

  #rest(): void {
    this.#looks?.cancel()
    this.#looks = undefined
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const { clock, isReady, patienceMilliseconds } = this.#tools
    const end = new AbortController()
    const looked = this.#choose()
    const asked = clock.monotonic()
    try {
      const answer = isReady(looked, end.signal)
      if (await this.#within(answer, patienceMilliseconds)) return
      for (const other of this.#urls()) {
        if (other === looked) continue
        const began = clock.monotonic()
        if (!(await this.#within(isReady(other, end.signal), patienceMilliseconds))) continue
        const lateness = SLOWER * (clock.monotonic() - began)
        if (await this.#within(answer, asked + lateness - clock.monotonic())) return
        if (this.#current === looked) this.#moveTo(other)
        return
      }
    } finally {
      end.abort(new Error('the look has ended'))
      this.#looking = false
    }
  }

  /** The answer, or undefined where there is none within the time. */
  #within(answer: Promise<boolean>, milliseconds: number): Promise<boolean | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.#tools.clock.after(Math.max(0, milliseconds), () => resolve(undefined))
      answer.then(resolve, reject).finally(() => timer.cancel())
    })
  }
}
