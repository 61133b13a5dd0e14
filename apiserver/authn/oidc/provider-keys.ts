import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock, Timer } from '../../../shared/time/clock.ts'
import type { FetchJson } from './fetch-json.ts'
import { type ProviderKey, readKeySet } from './key-set.ts'

/** How often it is looked whether keys should be fetched: while there are none, or the last try failed, each time. Upstream's interval. Milliseconds. */
const LOOK_INTERVAL = 10_000
/** After which keys are fetched again although nobody asked: one that the provider took out is good no longer. Milliseconds. */
const MOST_AGE = 10 * 60_000
/** Between two fetches for the sake of keys that are not known: whoever sends tokens chooses what they name. Milliseconds. */
const PACE = 5_000

export interface ProviderKeysOptions {
  readonly issuer: string
  readonly discoveryUrl: string
  readonly fetch: FetchJson
  readonly clock: Clock
  readonly log: Logger
  /** Told of every fetch. */
  readonly fetched?: (isGood: boolean) => void
}

/**
 * The public keys of one identity provider: found by discovery (OpenID Connect Discovery 1.0 §4), fetched before they are needed, and kept while the provider is
 * away. One that is away from the start is asked until it answers; nobody waits for it but its own tokens.
 */
export class ProviderKeys {
  readonly #options: ProviderKeysOptions
  /** Undefined: never fetched. */
  #keys: readonly ProviderKey[] | undefined
  #generation = 0
  #text = ''
  #problem: string | undefined
  /** On the monotonic clock. */
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined
  #timer: Timer | undefined
  readonly #end = new AbortController()

  constructor(options: ProviderKeysOptions) {
    this.#options = options
  }

  /** Grows when the keys are others than before: what was checked by them is to be checked again. */
  get generation(): number {
    return this.#generation
  }

  /** What is known now; undefined: the provider has not answered yet. */
  get known(): readonly ProviderKey[] | undefined {
    return this.#keys
  }

  /** Why the last fetch failed. */
  get problem(): string | undefined {
    return this.#problem
  }

  start(): void {
    if (this.#timer) return
    this.#timer = this.#options.clock.every(LOOK_INTERVAL, () => {
      const age = this.#options.clock.monotonic() - this.#triedAt
      return this.#keys === undefined || this.#problem !== undefined || age >= MOST_AGE ? this.#fetch() : undefined
    })
    void this.#fetch()
  }

  /** For good: what is being fetched is given up, and nothing is fetched any more. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#end.abort(new Error('the provider is not asked any more'))
    await this.#fetching
  }

  /** Fetches for the sake of a token that no known key has signed; several at a time are one, and those that come too soon are none. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#fetching) return this.#fetching
    if (this.#options.clock.monotonic() - this.#triedAt >= PACE) await this.#fetch()
  }

  #fetch(): Promise<void> {
    this.#triedAt = this.#options.clock.monotonic()
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(): Promise<void> {
    const { issuer, log, fetched } = this.#options
    try {
      this.#take(await this.#read())
      if (this.#problem !== undefined) log.info('the identity provider answers again', { issuer })
      this.#problem = undefined
      fetched?.(true)
    } catch (error) {
      if (this.#end.signal.aborted) return
      const problem = error instanceof Error ? error.message : String(error)
      if (problem !== this.#problem) log.error('the keys of an identity provider cannot be fetched; trying again', { issuer, error })
      this.#problem = problem
      fetched?.(false)
    }
  }

  async #read(): Promise<Readonly<Record<string, unknown>>> {
    const { issuer, discoveryUrl, fetch } = this.#options
    const { issuer: itself, jwks_uri: keysUrl } = await fetch(discoveryUrl, this.#end.signal)
    if (itself !== issuer) {
      throw new Error(`issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer)} got ${shown(itself)}`)
    }
    if (typeof keysUrl !== 'string' || !URL.canParse(keysUrl) || new URL(keysUrl).protocol !== 'https:') {
      throw new Error(`the provider's jwks_uri is no https URL: ${shown(keysUrl)}`)
    }
    return fetch(keysUrl, this.#end.signal)
  }

  #take(document: Readonly<Record<string, unknown>>): void {
    const text = JSON.stringify(document)
    if (text === this.#text && this.#keys) return
    this.#keys = readKeySet(document)
    this.#text = text
    this.#generation++
  }
}

const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 200)
