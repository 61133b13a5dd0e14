import { isDeepStrictEqual } from 'node:util'
import { BoundedCache } from '../../../shared/limits/bounded-cache.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import { FollowedFile } from '../../../shared/process/followed-file.ts'
import { parseWebToken } from '../json-web-token.ts'
import type { User } from '../user.ts'
import { type AnonymousChoice, type JwtAuthenticator, readAuthenticationConfiguration } from './authentication-configuration.ts'
import type { FlagAuthenticator } from './flag-authenticator.ts'
import { keysOf, type LoginOptions, ProviderLogin, sourceOf, type Verdict } from './provider-login.ts'
import { signingAlgorithms } from './signing-algorithms.ts'

/** What is remembered of tokens. */
const REMEMBERED = { bytes: 8 * 1024 * 1024, keyCharacters: inputLimits.tokenCharacters }

export interface IdentityProvidersOptions extends LoginOptions {
  /** The file of `--authentication-config`. */
  readonly path: string | undefined
  /** What `--oidc-*` flags say. */
  readonly flags: FlagAuthenticator | undefined
  /** Of service-account tokens. */
  readonly ownIssuer: string
}

/** The identity providers whose ID tokens are taken, as flags say, or as a file says and as it changes; and what it says of who nobody is. */
export class IdentityProviders {
  readonly #options: IdentityProvidersOptions
  #logins: ReadonlyMap<string, ProviderLogin> = new Map()
  #verdicts = new BoundedCache<Verdict>(REMEMBERED)
  #anonymous: AnonymousChoice | undefined
  readonly #file: FollowedFile | undefined
  #isStarted = false

  private constructor(options: IdentityProvidersOptions) {
    this.#options = options
    const { path, clock, log } = options
    this.#file = path === undefined ? undefined : new FollowedFile({ path, what: 'authentication configuration', clock, log })
  }

  /** Fetches nothing yet. @throws ConfigError for a file that is wrong */
  static async open(options: IdentityProvidersOptions): Promise<IdentityProviders> {
    const providers = new IdentityProviders(options)
    if (options.flags) providers.#use([options.flags])
    await providers.#file?.load((file) => providers.#load(file))
    return providers
  }

  /** What the file says of requests without credentials; undefined: nothing. */
  get anonymous(): AnonymousChoice | undefined {
    return this.#anonymous
  }

  /** Whose token it was found to be, while that holds. */
  remembered(token: string): User | undefined {
    const known = this.#verdicts.get(token)
    if (!known) return undefined
    if (known.generation === known.keys.generation && this.#options.clock.now() < known.expires * 1000) return known.user
    this.#verdicts.delete(token)
    return undefined
  }

  /** The user of an ID token; undefined when it is of none of the providers. @throws StatusError Unauthorized when it is, and bad */
  async authenticate(token: string): Promise<User | undefined> {
    if (this.#logins.size === 0) return undefined
    const verdicts = this.#verdicts
    const parsed = await parseWebToken(token)
    const issuer = parsed?.claims['iss']
    const login = typeof issuer === 'string' ? this.#logins.get(issuer) : undefined
    const verdict = parsed && (await login?.login(parsed))
    // Of the configuration that it was judged by, which another one may have followed.
    if (verdict) verdicts.set(token, verdict, JSON.stringify(verdict.user).length * 2)
    return verdict?.user
  }

  /** Fetches keys, and follows the file. Nothing waits for a provider. */
  start(): void {
    this.#isStarted = true
    for (const { keys } of this.#logins.values()) keys.start()
    this.#file?.follow({ use: (file) => this.#load(file), told: (isTaken) => this.#options.metrics.reloaded(isTaken) })
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    await this.#file?.stop()
    await Promise.all([...this.#logins.values()].map(({ keys }) => keys.stop()))
  }

  /** @throws ConfigError */
  async #load(path: string): Promise<void> {
    const { ownIssuer, log } = this.#options
    const { configuration, warnings } = await readAuthenticationConfiguration(path, ownIssuer)
    const { jwt = [], anonymous } = configuration
    // As upstream: what --anonymous-auth is held against at the start stays as it was then.
    if (this.#isStarted && !isDeepStrictEqual(anonymous, this.#anonymous)) {
      throw new ConfigError(`${path}: anonymous: Forbidden: changed from initial configuration file`)
    }
    for (const warning of warnings) log.warn(warning)
    this.#anonymous = anonymous
    this.#use(jwt.map((each) => ({ jwt: each, algorithms: signingAlgorithms })))
  }

  /** Providers that were there keep their keys: nobody is logged out because another one was added. */
  #use(authenticators: readonly FlagAuthenticator[]): void {
    const before = new Map([...this.#logins.values()].map((login) => [login.source, login.keys]))
    const next = new Map<string, ProviderLogin>()
    for (const { jwt, algorithms } of authenticators) {
      const source = sourceOf(jwt)
      const keys = before.get(source) ?? keysOf(jwt, this.#options)
      before.delete(source)
      next.set(jwt.issuer.url ?? '', new ProviderLogin(jwt, keys, algorithms, this.#options))
      if (this.#isStarted) keys.start()
      if (mayNameTheSystem(jwt)) {
        const cure = 'give them a prefix, or a userValidationRule that refuses names that begin with system:'
        this.#options.log.warn(`an identity provider may name users or groups of the system; ${cure}`, { issuer: jwt.issuer.url })
      }
    }
    for (const keys of before.values()) void keys.stop()
    this.#logins = next
    this.#verdicts = new BoundedCache(REMEMBERED)
  }
}

/** Whether nothing is put before names that are the provider's, and nothing checks them. */
function mayNameTheSystem({ claimMappings: { username, groups }, userValidationRules = [] }: JwtAuthenticator): boolean {
  const isBare = (mapping: typeof username) => mapping?.claim !== undefined && mapping.claim !== '' && (mapping.prefix ?? '') === ''
  return userValidationRules.length === 0 && (isBare(groups) || (isBare(username) && username?.claim !== 'email'))
}
