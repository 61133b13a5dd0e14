import { hasReason } from '../errors/status-error.ts'
import type { ObjectName } from '../objects/object.ts'
import type { Clock } from '../time/clock.ts'
import type { Client } from './client.ts'
import { requestToken, type TokenGiven } from './request-token.ts'

interface AccountTokenTools {
  /** Of whoever may make the account and ask for its tokens. */
  client: Client
  clock: Clock
}

interface HeldToken {
  readonly value: string
  /** On the monotonic clock: the server's may differ from ours. */
  readonly renewAt: number
  readonly expiresAt: number
}

const ASKED_SECONDS = 3_600
/** The share of its life after which a token is renewed, beside the work: nobody waits for it. */
const RENEWED_AFTER = 0.8
/** A renewal that failed is not tried again before. */
const PAUSE_MILLISECONDS = 10_000

/** A token of a service account, asked for when it is first needed; the account is made when it is missing. */
export class AccountToken {
  readonly #account: ObjectName
  readonly #tools: AccountTokenTools
  #held: HeldToken | undefined
  #fetching: Promise<HeldToken> | undefined
  #failedAt = Number.NEGATIVE_INFINITY

  constructor(account: ObjectName, tools: AccountTokenTools) {
    this.#account = account
    this.#tools = tools
  }

  /** @throws StatusError, ConnectionError when there is none and none can be had */
  async current(): Promise<string> {
    const now = this.#tools.clock.monotonic()
    const held = this.#held
    if (!held || now >= held.expiresAt) return (await this.#fetch()).value
    // The one in hand will do while another is on its way, and while none can be had.
    if (now >= held.renewAt && now - this.#failedAt >= PAUSE_MILLISECONDS) this.#fetch().catch(() => (this.#failedAt = now))
    return held.value
  }

  /** For a token that the server refused: its account was deleted, or the server signs with another key now. */
  discard(token: string): void {
    if (this.#held?.value === token) this.#held = undefined
  }

  #fetch(): Promise<HeldToken> {
    this.#fetching ??= this.#ask().finally(() => (this.#fetching = undefined))
    return this.#fetching
  }

  async #ask(): Promise<HeldToken> {
    const began = this.#tools.clock.monotonic()
    const { token, expirationSeconds } = await this.#request()
    const life = expirationSeconds * 1_000
    this.#held = { value: token, renewAt: began + life * RENEWED_AFTER, expiresAt: began + life }
    return this.#held
  }

  async #request(): Promise<TokenGiven> {
    const { client } = this.#tools
    const { name = '', namespace } = this.#account
    const ask = () => requestToken(client, this.#account, { expirationSeconds: ASKED_SECONDS })
    try {
      return await ask()
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
    try {
      await client.create('v1', 'ServiceAccount', { metadata: { name } }, { namespace })
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error // somebody else was faster
    }
    return ask()
  }
}
