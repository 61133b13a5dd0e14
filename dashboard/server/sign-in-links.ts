import { createHash, randomBytes } from 'node:crypto'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { Clock } from '../../shared/time/clock.ts'

interface SignInTools {
  readonly clock: Clock
  /** Whether the API server takes the token. */
  isSomebody(token: string): Promise<boolean>
}

/** A link that lies about longer than this is of no use. */
const GOOD_FOR_MILLISECONDS = 10 * 60_000
/** Links that are kept; more drive out the oldest. */
const MOST_LINKS = 100

/**
 * Tokens put away under codes that open once. Who makes a link gives a token of their own, so that making one needs no right here;
 * the code, not the token, stands in the link, after the `#` that browsers send to nobody.
 */
export class SignInLinks {
  readonly #tools: SignInTools
  /** By the hash of the code: looking one up tells nothing by its time. */
  readonly #tokens = new Map<string, { readonly token: string; readonly until: number }>()

  constructor(tools: SignInTools) {
    this.#tools = tools
  }

  /** The code for a token. @throws StatusError Unauthorized for nobody's token; ConnectionError */
  async putAway(token: string): Promise<string> {
    if (!(await this.#tools.isSomebody(token))) throw new StatusError('Unauthorized', 'the API server does not take this token')
    const code = randomBytes(24).toString('base64url')
    const oldest = this.#tokens.keys().next().value
    if (this.#tokens.size >= MOST_LINKS && oldest !== undefined) this.#tokens.delete(oldest)
    this.#tokens.set(hashOf(code), { token, until: this.#tools.clock.monotonic() + GOOD_FOR_MILLISECONDS })
    return code
  }

  /** The token, which is forgotten here. @throws StatusError Unauthorized for a code that was used, is too old, or never was */
  redeem(code: string): string {
    const key = hashOf(code)
    const found = this.#tokens.get(key)
    this.#tokens.delete(key)
    if (!found || found.until < this.#tools.clock.monotonic()) {
      throw new StatusError(
        'Unauthorized',
        "this link was used already, or is older than ten minutes: make another one with 'make dashboard'",
      )
    }
    return found.token
  }
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('base64')
}
