import { readFile } from 'node:fs/promises'
import { BoundedCache } from '../../../shared/limits/bounded-cache.ts'
import { inputLimits } from '../../../shared/limits/input-limits.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import type { Timer } from '../../../shared/time/clock.ts'
import { parseWebToken } from '../json-web-token.ts'
import type { User } from '../user.ts'
import { type AnonymousChoice, type JwtAuthenticator, readAuthenticationConfiguration } from './authentication-configuration.ts'
import type { FlagAuthenticator } from './flag-authenticator.ts'
import { keysOf, type LoginOptions, ProviderLogin, sourceOf, type Verdict } from './provider-login.ts'
import { signingAlgorithms } from './signing-algorithms.ts'

/** Milliseconds between two looks at the file. */
const LOOK_INTERVAL = 10_000
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

/** The identity providers whose ID tokens are taken, and whether nobody is: as flags say, or as a file says and as it changes. */
export class IdentityProviders {
  readonly #options: IdentityProvidersOptions
  #logins: ReadonlyMap<string, ProviderLogin> = new Map()
  #verdicts = new BoundedCache<Verdict>(REMEMBERED)
  #anonymous: AnonymousChoice | undefined
  #text = ''
  /** The last failure that was told. */
  #told = ''
  #isStarted = false
  #timer: Timer | undefined
  #looking: Promise<void> | undefined

  private constructor(options: IdentityProvidersOptions) {
    this.#options = options
  }

  /** Fetches nothing yet. @throws ConfigError for a file that is wrong */
  static async open(options: IdentityProvidersOptions): Promise<IdentityProviders> {
    const providers = new IdentityProviders(options)
    if (options.path !== undefined) await providers.#load(options.path)
    else if (options.flags) providers.#use([options.flags])
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
    const { path, clock } = this.#options
    if (path === undefined) return
    this.#timer = clock.every(LOOK_INTERVAL, () => {
      this.#looking ??= this.#look(path).finally(() => {
        this.#looking = undefined
      })
      return this.#looking
    })
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#timer?.cancel()
    await this.#looking
    await Promise.all([...this.#logins.values()].map(({ keys }) => keys.stop()))
  }

  /** A file that is wrong leaves the one before in force, and is told once. Never throws. */
  async #look(path: string): Promise<void> {
    const { log, metrics } = this.#options
    try {
      if ((await readFile(path, 'utf8')) === this.#text) return
      await this.#load(path)
      this.#told = ''
      metrics.reloaded(true)
      log.info('the authentication configuration was reloaded', { path })
    } catch (error) {
      if (String(error) === this.#told) return
      this.#told = String(error)
      metrics.reloaded(false)
      log.error('the authentication configuration changed and is not taken into use; the one before stays in force', { path, error })
    }
  }

  async #load(path: string): Promise<void> {
    const text = await readText(path)
    const { configuration, warnings } = await readAuthenticationConfiguration(path, this.#options.ownIssuer)
    for (const warning of warnings) this.#options.log.warn(warning)
    this.#use((configuration.jwt ?? []).map((jwt) => ({ jwt, algorithms: signingAlgorithms })))
    this.#anonymous = configuration.anonymous
    this.#text = text
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

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
