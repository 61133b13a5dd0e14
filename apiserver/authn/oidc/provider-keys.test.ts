import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { serverPapers } from '../../../test/harness/hook-server.ts'
import { login, loginScene, refusedLogin } from '../../../test/harness/login-scene.ts'
import { providerKey } from '../../../test/harness/oidc-provider.ts'

const scene = loginScene()
const { rsa, ec } = scene

describe('keys of a provider', () => {
  it('that are new are fetched when a token names one, at a pace that strangers do not set', async (t) => {
    scene.configure(scene.jwt())
    const { providers } = await scene.open(t)
    await login(providers, await scene.provider.token(rsa))
    const next = providerKey('next', 'ES256')
    await scene.provider.publish(rsa, next)
    await refusedLogin(providers, await scene.provider.token(next), /failed to verify signature/)
    scene.ahead += 5_000
    assert.equal((await login(providers, await scene.provider.token(next)))?.name, 'oidc:jane')

    scene.ahead += 5_000
    const before = await scene.provider.requests()
    const flood = await Promise.all(Array.from({ length: 40 }, (_, index) => scene.provider.token(rsa, {}, { kid: `k${index}` })))
    await Promise.all(flood.map((token) => refusedLogin(providers, token, /failed to verify signature/)))
    assert.equal((await scene.provider.requests()) - before, 2, 'the two documents, once')
    for (const changes of [{ aud: 'other' }, { exp: 1 }]) {
      scene.ahead += 5_000
      await refusedLogin(providers, await scene.provider.token(rsa, changes, { kid: 'unknown' }), /expected audience|expired/)
    }
    assert.equal((await scene.provider.requests()) - before, 2, 'nothing is fetched for tokens that are bad anyway')
  })

  it('that a provider takes out are good no longer after a while, also for tokens that are remembered', async (t) => {
    scene.configure(scene.jwt())
    const { providers } = await scene.open(t)
    const token = await scene.provider.token(rsa)
    await login(providers, token)
    await scene.provider.publish(ec)
    await scene.doRepeatedWork()
    assert.equal((await login(providers, token))?.name, 'oidc:jane', 'they are not fetched each time')
    scene.ahead += 10 * 60_000
    await scene.doRepeatedWork()
    await refusedLogin(providers, token, /failed to verify signature/)
    assert.equal((await login(providers, await scene.provider.token(ec)))?.name, 'oidc:jane')
  })

  it('are kept while the provider is away', async (t) => {
    scene.configure(scene.jwt())
    const { providers, told } = await scene.open(t)
    await login(providers, await scene.provider.token(rsa))
    await scene.provider.leave()
    try {
      scene.ahead += 11 * 60_000
      await scene.doRepeatedWork()
      await scene.doRepeatedWork()
      assert.equal(told.filter((line) => /cannot be fetched.*ECONNREFUSED/.test(line)).length, 1, told.join('\n'))
      const fresh = await scene.provider.token(rsa, { sub: 'joe' })
      assert.equal((await login(providers, fresh))?.name, 'oidc:joe')
      await refusedLogin(providers, await scene.provider.token(providerKey('new')), /failed to verify signature/)
    } finally {
      await scene.provider.comeBack()
    }
  })

  it('of a provider that is away at the start are fetched when it comes', async (t) => {
    scene.configure(scene.jwt())
    await scene.provider.leave()
    let isBack = false
    try {
      const { providers } = await scene.open(t)
      const token = await scene.provider.token(rsa)
      await refusedLogin(providers, token, /authenticator not initialized: Get .*ECONNREFUSED/)
      await scene.provider.comeBack()
      isBack = true
      await scene.doRepeatedWork()
      assert.equal((await login(providers, token))?.name, 'oidc:jane')
    } finally {
      if (!isBack) await scene.provider.comeBack()
    }
  })

  const broken = [
    ['garbage', /not initialized: Get .*openid-configuration": .*JSON/],
    ['huge', /the answer has more than 524288 bytes/],
    ['redirect', /the server answered 302: redirects are not followed/],
    ['broken', /the server answered 503/],
    ['other-issuer', /issuer did not match the issuer returned by provider, expected .* got "https:\/\/elsewhere\.example"/],
    ['plain-keys', /jwks_uri is no https URL: "http:/],
  ] as const
  for (const [mode, why] of broken) {
    it(`are not taken of a provider whose answer is ${mode}`, async (t) => {
      scene.configure(scene.jwt())
      await scene.provider.behave(mode)
      const { providers } = await scene.open(t)
      await refusedLogin(providers, await scene.provider.token(rsa), why)
    })
  }

  for (const mode of ['silent', 'stalling'] as const) {
    it(`of a provider that is ${mode} are waited for ten seconds`, async (t) => {
      scene.configure(scene.jwt())
      await scene.provider.behave(mode)
      const timers: { milliseconds: number; action: () => void }[] = []
      scene.after = (milliseconds, action) => {
        timers.push({ milliseconds, action })
        return { cancel() {} }
      }
      const { providers } = await scene.open(t)
      const asked = refusedLogin(providers, await scene.provider.token(rsa), /not initialized: Get .* no answer within 10 seconds/)
      while ((await scene.provider.requests()) === 0) await new Promise(setImmediate)
      assert.deepEqual(
        timers.map(({ milliseconds }) => milliseconds),
        [10_000],
      )
      timers[0]?.action()
      await asked
    })
  }

  const strangers: [string, () => Promise<string | undefined>][] = [
    ['the wrong authority', async () => (await serverPapers({ ip: ['127.0.0.1'] })).authority],
    ['nobody that this machine trusts', async () => undefined],
  ]
  for (const [whom, authority] of strangers) {
    it(`are not taken of somebody for whom ${whom} vouches`, async (t) => {
      scene.configure(scene.jwt({ issuer: { certificateAuthority: await authority() } }))
      const { providers } = await scene.open(t)
      await refusedLogin(providers, await scene.provider.token(rsa), /not initialized: Get .*(certificate|signature)/)
    })
  }

  it('for encryption, symmetric, short or broken ones are passed over', async (t) => {
    scene.configure(scene.jwt())
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
    const odd = [
      { kty: 'oct', k: 'AAAA', kid: 'rsa' },
      { ...rsa.publicJwk, use: 'enc' },
      { ...short, kid: 'rsa' },
      { kty: 'RSA', n: 7 },
      'x',
      null,
    ]
    await scene.provider.publish(...odd.map((publicJwk) => ({ ...rsa, publicJwk: publicJwk as object })))
    const { providers } = await scene.open(t)
    await refusedLogin(providers, await scene.provider.token(rsa), /failed to verify signature/)
  })

  it('are found where discoveryURL says', async (t) => {
    scene.configure(scene.jwt({ issuer: { discoveryURL: `${scene.provider.issuer}/elsewhere/openid-configuration` } }))
    const { providers } = await scene.open(t)
    assert.equal((await login(providers, await scene.provider.token(rsa)))?.name, 'oidc:jane')
  })
})
