import type { Logger } from '../../shared/logging/logger.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { code } from '../message/codes.ts'
import { AnswerCache } from './answer-cache.ts'
import { type Asked, exchange } from './exchange.ts'
import { type ServerAddress, serverText } from './server-address.ts'

/** Questions that wait for servers outside at the same time, each with a socket of its own (CoreDNS' usual `max_concurrent`). */
export const MOST_FORWARDED = 1_000
/** Clients that wait for them: many may ask the same. */
export const MOST_WAITING = 10_000
/** What one try may take, by round: a lost datagram is sent again before the client's own patience (5 s) ends. */
const PATIENCE_MILLISECONDS = [1_000, 1_500]
const LONGEST_MILLISECONDS = 4_500
/** A server that did not answer is asked after the others for so long. */
const AVOIDED_MILLISECONDS = 5_000

/** A question could not be answered by any server; the message says what each of them did. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
}

export interface ForwarderTools {
  clock: Clock
  random: Random
  log: Logger
}

/** What it counts. */
export interface ForwardCounts {
  /** An answer came, or not. `seconds` since the server was asked. */
  exchanged(server: string, rcode: number | undefined, seconds: number): void
  cached(isHit: boolean): void
  refused(): void
}

/** Asks servers outside, one after the other, keeps what they say, and asks once for what many want at the same time. */
export class Forwarder {
  readonly cache = new AnswerCache()
  readonly #tools: ForwarderTools
  readonly #counts: ForwardCounts | undefined
  /** Called with a server that did not answer. */
  readonly #failed: ((server: ServerAddress) => void) | undefined
  readonly #inFlight = new Map<string, Promise<Buffer>>()
  /** Servers that did not answer, until when they are avoided. */
  readonly #avoided = new Map<string, number>()
  #waiting = 0
  /** Grows whenever what was learned is forgotten. */
  #era = 0

  constructor(tools: ForwarderTools, options: { counts?: ForwardCounts; failed?: (server: ServerAddress) => void } = {}) {
    this.#tools = tools
    this.#counts = options.counts
    this.#failed = options.failed
  }

  /**
   * The whole answer, a new copy each time; from the cache at once, without a promise.
   * @param key what the answer is to: equal keys have equal answers
   * @param servers whom to ask, in this order but for those that did not answer lately
   * @throws UpstreamError (by its promise) when nobody answers, or too many others wait
   */
  ask(key: string, asked: Asked, servers: () => Promise<readonly ServerAddress[]>): Buffer | Promise<Buffer> {
    const kept = this.cache.get(key, this.#tools.clock.monotonic())
    this.#counts?.cached(kept !== undefined)
    return kept ?? this.#wait(key, asked, servers)
  }

  /** What was learned of servers that are no longer asked, and by them, is forgotten. */
  forget(): void {
    this.#era += 1
    this.cache.clear()
    this.#avoided.clear()
  }

  async #wait(key: string, asked: Asked, servers: () => Promise<readonly ServerAddress[]>): Promise<Buffer> {
    let answer = this.#inFlight.get(key)
    if (this.#waiting >= MOST_WAITING || (!answer && this.#inFlight.size >= MOST_FORWARDED)) {
      this.#counts?.refused()
      throw new UpstreamError(`${answer ? MOST_WAITING : MOST_FORWARDED} queries wait for servers outside already`)
    }
    answer ??= this.#begin(key, asked, servers)
    this.#waiting += 1
    try {
      return Buffer.from(await answer)
    } finally {
      this.#waiting -= 1
    }
  }

  #begin(key: string, asked: Asked, servers: () => Promise<readonly ServerAddress[]>): Promise<Buffer> {
    const fetched = this.#fetch(key, asked, servers).finally(() => this.#inFlight.delete(key))
    this.#inFlight.set(key, fetched)
    return fetched
  }

  async #fetch(key: string, asked: Asked, servers: () => Promise<readonly ServerAddress[]>): Promise<Buffer> {
    const asking = await servers()
    const era = this.#era
    const answer = await this.#firstAnswer(asked, asking)
    // What servers said that are no longer asked is not kept.
    if (era === this.#era) this.cache.set(key, answer, this.#tools.clock.monotonic())
    return answer
  }

  async #firstAnswer(asked: Asked, servers: readonly ServerAddress[]): Promise<Buffer> {
    const { clock } = this.#tools
    const deadline = clock.monotonic() + LONGEST_MILLISECONDS
    const failures = new Map<string, string>()
    let poor: Buffer | undefined
    for (const patience of PATIENCE_MILLISECONDS) {
      for (const server of this.#inOrder(servers)) {
        const left = deadline - clock.monotonic()
        if (left <= 0) break
        const answer = await this.#try(server, asked, Math.min(patience, left), failures)
        if (!answer) continue
        if (isUseful(answer)) return answer
        poor = answer
      }
      // They answered, and have nothing: asking again would not change it.
      if (poor) return poor
    }
    if (servers.length === 0) throw new UpstreamError('there is no server outside to ask')
    throw new UpstreamError([...failures].map(([server, failure]) => `${server}: ${failure}`).join('; '))
  }

  async #try(server: ServerAddress, asked: Asked, patience: number, failures: Map<string, string>): Promise<Buffer | undefined> {
    const { clock } = this.#tools
    const name = serverText(server)
    const began = clock.monotonic()
    const took = () => (clock.monotonic() - began) / 1000
    try {
      const answer = await exchange(server, asked, patience, this.#tools)
      this.#avoided.delete(name)
      this.#counts?.exchanged(name, answer[3]! & 0x0f, took())
      return answer
    } catch (error) {
      this.#counts?.exchanged(name, undefined, took())
      this.#avoided.set(name, clock.monotonic() + AVOIDED_MILLISECONDS)
      failures.set(name, error instanceof Error ? error.message : String(error))
      this.#failed?.(server)
      return undefined
    }
  }

  #inOrder(servers: readonly ServerAddress[]): ServerAddress[] {
    const now = this.#tools.clock.monotonic()
    const isAvoided = (server: ServerAddress) => (this.#avoided.get(serverText(server)) ?? 0) > now
    return [...servers.filter((server) => !isAvoided(server)), ...servers.filter(isAvoided)]
  }
}

/** An answer that another server would not give better. */
function isUseful(answer: Buffer): boolean {
  const rcode = answer[3]! & 0x0f
  return rcode === code.ok || rcode === code.missing
}
