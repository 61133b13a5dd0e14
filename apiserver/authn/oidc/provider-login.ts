import { StatusError } from '../../../shared/errors/status-error.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import type { WebToken } from '../json-web-token.ts'
import type { User } from '../user.ts'
import type { JwtAuthenticator } from './authentication-configuration.ts'
import { fetchJson } from './fetch-json.ts'
import type { ProviderKey } from './key-set.ts'
import type { LoginMetrics } from './login-metrics.ts'
import { ProviderKeys } from './provider-keys.ts'
import type { SigningAlgorithm } from './signing-algorithms.ts'
import { type UserOfClaims, userOfClaims } from './user-of-claims.ts'

/** `nbf` may lie in the future by this much, in seconds: clocks of providers differ (upstream's go-oidc). An expiry has no such grace. */
const NOT_BEFORE_LEEWAY = 5 * 60
const WELL_KNOWN = '/.well-known/openid-configuration'

/** Who a token was found to be of. It holds until the token expires or the keys change: everything else that it rests on is in the token. */
export interface Verdict {
  readonly user: User
  /** Seconds since the epoch. */
  readonly expires: number
  readonly keys: ProviderKeys
  /** Of the keys that it was checked by. */
  readonly generation: number
}

export interface LoginOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: LoginMetrics
}

/** What says where the keys of a provider come from: with the same one, another configuration goes on with them. */
export function sourceOf({ issuer: { url, discoveryURL, certificateAuthority } }: JwtAuthenticator): string {
  return JSON.stringify([url, discoveryURL ?? '', certificateAuthority ?? ''])
}

/** The keys that the tokens of this authenticator are signed with; nothing is fetched before they are started. */
export function keysOf({ issuer }: JwtAuthenticator, { clock, log, metrics }: LoginOptions): ProviderKeys {
  const { url = '', discoveryURL, certificateAuthority } = issuer
  return new ProviderKeys({
    issuer: url,
    discoveryUrl: discoveryURL || url.replace(/\/$/, '') + WELL_KNOWN,
    ...{ fetch: fetchJson(certificateAuthority || undefined, clock), clock, log },
    fetched: (isGood) => metrics.fetched(url, isGood, clock.now()),
  })
}

/** Users by the ID tokens of one provider (OpenID Connect Core §3.1.3.7). */
export class ProviderLogin {
  readonly keys: ProviderKeys
  readonly source: string
  readonly #issuer: string
  readonly #audiences: readonly string[]
  readonly #algorithms: readonly SigningAlgorithm[]
  readonly #userOf: UserOfClaims
  readonly #options: LoginOptions

  constructor(jwt: JwtAuthenticator, keys: ProviderKeys, algorithms: readonly SigningAlgorithm[], options: LoginOptions) {
    this.keys = keys
    this.source = sourceOf(jwt)
    this.#issuer = jwt.issuer.url ?? ''
    this.#audiences = jwt.issuer.audiences ?? []
    this.#algorithms = algorithms
    this.#userOf = userOfClaims(jwt)
    this.#options = options
  }

  /** @param token of its issuer. @throws StatusError Unauthorized; the message says why */
  async login(token: WebToken): Promise<Verdict> {
    const { clock, metrics } = this.#options
    const start = clock.monotonic()
    let isGood = false
    try {
      const { claims } = token
      const expires = this.#checkClaims(claims)
      const generation = await this.#checkSignature(token)
      const user = this.#userOf(claims)
      isGood = true
      return { user, expires, generation, keys: this.keys }
    } finally {
      metrics.took(this.#issuer, isGood, clock.monotonic() - start)
    }
  }

  /** Before the signature, so that tokens for others and old ones make nobody fetch keys. Answers when it expires. */
  #checkClaims({ aud, exp, nbf }: Readonly<Record<string, unknown>>): number {
    const audiences = Array.isArray(aud) ? aud : aud === undefined ? [] : [aud]
    if (!audiences.some((audience) => this.#audiences.includes(audience))) {
      throw refused(`expected audience in ${JSON.stringify(this.#audiences)} got ${JSON.stringify(audiences)}`)
    }
    if (typeof exp !== 'number') throw refused('the token has no time of expiry (exp)')
    if (this.#seconds() >= exp) throw refused('token is expired')
    if (nbf !== undefined && (typeof nbf !== 'number' || this.#seconds() + NOT_BEFORE_LEEWAY < nbf)) {
      throw refused('the token is not valid yet (nbf)')
    }
    return exp
  }

  /** Answers the generation of the keys. */
  async #checkSignature(token: WebToken): Promise<number> {
    const algorithm = this.#algorithms.find((each) => each === token.algorithm)
    if (algorithm === undefined) {
      throw refused(`id token signed with unsupported algorithm, expected [${this.#algorithms.join(' ')}] got ${token.algorithm ?? 'none'}`)
    }
    const tried = new Set<ProviderKey>()
    for (const isRefreshed of [false, true]) {
      if (isRefreshed) await this.keys.refresh()
      const { generation, known = [] } = this.keys
      for (const key of known) {
        const isMeant = token.keyId === undefined || key.id === undefined || key.id === token.keyId
        if (!isMeant || !key.algorithms.includes(algorithm) || tried.has(key)) continue
        tried.add(key)
        if (await token.isSignedBy({ algorithm, key: key.key })) return generation
      }
    }
    if (this.keys.known !== undefined) throw refused('failed to verify signature: no key of the provider has signed the token')
    throw refused(`authenticator not initialized: ${this.keys.problem ?? 'the provider has not answered yet'}`)
  }

  #seconds(): number {
    return this.#options.clock.now() / 1000
  }
}

const refused = (why: string) => new StatusError('Unauthorized', `oidc: verify token: ${why}`)
