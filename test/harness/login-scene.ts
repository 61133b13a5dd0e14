import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, type TestContext } from 'node:test'
import { IdentityProviders } from '../../apiserver/authn/oidc/identity-providers.ts'
import { LoginMetrics } from '../../apiserver/authn/oidc/login-metrics.ts'
import type { User } from '../../apiserver/authn/user.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { Metrics } from '../../shared/metrics/metrics.ts'
import { type Clock, realClock, type Timer } from '../../shared/time/clock.ts'
import { type OidcProvider, providerKey, type SigningKey, startProvider } from './oidc-provider.ts'

export interface OpenedProviders {
  readonly providers: IdentityProviders
  readonly metrics: Metrics
  /** Lines of warnings and errors. */
  readonly told: string[]
}

/** One identity provider for the tests of a file, and readers of its tokens that a file configures. */
export interface LoginScene {
  readonly rsa: SigningKey
  readonly ec: SigningKey
  readonly provider: OidcProvider
  /** Milliseconds that both clocks are ahead; each test begins with 0. */
  ahead: number
  /** Set: timers that fire once are its. */
  after: ((milliseconds: number, action: () => void) => Timer) | undefined
  /** By the clock of the readers. */
  seconds(): number
  /** Does at once what is done from time to time. */
  doRepeatedWork(): Promise<void>
  /** One authenticator, changed. */
  jwt(changes?: { readonly issuer?: object; readonly [field: string]: unknown }): object
  configure(...authenticators: readonly object[]): void
  open(context: TestContext): Promise<OpenedProviders>
}

/** To be called outside of tests: it starts, cleans and ends with those of the file. */
export function loginScene(): LoginScene {
  const [rsa, ec] = [providerKey('rsa'), providerKey('ec', 'ES256')]
  let provider: OidcProvider
  let directory: string
  let repeated: (() => unknown)[] = []
  const file = () => join(directory, 'authentication.json')
  const real = realClock()
  const clock: Clock = {
    ...real,
    now: () => real.now() + scene.ahead,
    monotonic: () => real.monotonic() + scene.ahead,
    after: (milliseconds, action) => (scene.after ?? real.after)(milliseconds, action),
    every(_milliseconds, action) {
      repeated.push(action)
      return { cancel: () => void (repeated = repeated.filter((each) => each !== action)) }
    },
  }
  before(async () => {
    provider = await startProvider(rsa, ec)
    directory = mkdtempSync(join(tmpdir(), 'providers-'))
  })
  after(async () => {
    await provider.stop()
    rmSync(directory, { recursive: true })
  })
  beforeEach(async () => {
    scene.ahead = 0
    scene.after = undefined
    repeated = []
    await provider.behave('good')
    await provider.publish(rsa, ec)
  })
  const scene: LoginScene = {
    ...{ rsa, ec, ahead: 0, after: undefined },
    get provider() {
      return provider
    },
    seconds: () => Math.floor(clock.now() / 1000),
    async doRepeatedWork() {
      await Promise.all(repeated.map((action) => action()))
    },
    jwt: ({ issuer = {}, ...changes } = {}) => ({
      issuer: { url: provider.issuer, audiences: ['coxswain'], certificateAuthority: provider.authority, ...issuer },
      claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: 'oidc:' } },
      ...changes,
    }),
    configure(...jwt) {
      writeFileSync(file(), JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt }))
    },
    async open(context) {
      const metrics = new Metrics()
      const told: string[] = []
      const tell = (message: string, fields?: Record<string, unknown>) => void told.push(`${message} ${String(fields?.['error'] ?? '')}`)
      const providers = await IdentityProviders.open({
        ...{ path: file(), flags: undefined, ownIssuer: 'https://kubernetes.default.svc.cluster.local', clock },
        ...{ log: { ...silentLogger(), warn: tell, error: tell }, metrics: new LoginMetrics(metrics) },
      })
      providers.start()
      context.after(() => providers.stop())
      return { providers, metrics, told }
    },
  }
  return scene
}

/** Who the token is of. */
export async function login(providers: IdentityProviders, token: string): Promise<User | undefined> {
  return providers.remembered(token) ?? providers.authenticate(token)
}

/** The token is of a provider, and bad. */
export async function refusedLogin(providers: IdentityProviders, token: string, why: RegExp): Promise<void> {
  await assert.rejects(login(providers, token), { code: 401, message: why })
}
