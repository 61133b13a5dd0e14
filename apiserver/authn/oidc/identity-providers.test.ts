import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { login, loginScene, refusedLogin } from '../../../test/harness/login-scene.ts'
import { providerKey } from '../../../test/harness/oidc-provider.ts'

const scene = loginScene()
const { rsa, ec } = scene
const stranger = providerKey('rsa')

describe('tokens', () => {
  it('of RS256 and ES256 are users with groups, and with the number of the token', async (t) => {
    scene.configure(scene.jwt())
    const { providers, metrics } = await scene.open(t)
    assert.deepEqual(await login(providers, await scene.provider.token(rsa, { groups: ['dev', 'ops', 'dev'], jti: 'seven' })), {
      name: 'oidc:jane',
      groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=seven'] },
    })
    assert.deepEqual(await login(providers, await scene.provider.token(ec, { sub: 'joe', groups: 'dev', aud: ['x', 'coxswain'] })), {
      name: 'oidc:joe',
      groups: ['oidc:dev', 'system:authenticated'],
    })
    assert.match(
      metrics.render(),
      /apiserver_authentication_jwt_authenticator_latency_seconds_count\{result="success",jwt_issuer_hash="sha256:/,
    )
    assert.match(metrics.render(), /jwks_fetch_last_timestamp_seconds\{result="success"/)
  })

  it('without kid are checked by every key, and so are keys without one', async (t) => {
    scene.configure(scene.jwt())
    const nameless = { ...rsa, publicJwk: { ...rsa.publicJwk, kid: undefined, alg: undefined, use: undefined } }
    await scene.provider.publish(ec, nameless)
    const { providers } = await scene.open(t)
    assert.equal((await login(providers, await scene.provider.token(rsa, {}, { kid: undefined })))?.name, 'oidc:jane')
    assert.equal((await login(providers, await scene.provider.token(rsa)))?.name, 'oidc:jane')
  })

  const bad: [string, () => Promise<string>, RegExp][] = [
    ['for somebody else', () => scene.provider.token(rsa, { aud: 'other' }), /expected audience in \["coxswain"\] got \["other"\]/],
    ['for nobody', () => scene.provider.token(rsa, { aud: undefined }), /expected audience in \["coxswain"\] got \[\]/],
    ['for a list of somebody else', () => scene.provider.token(rsa, { aud: [['coxswain'], 1] }), /expected audience/],
    ['that expired', () => scene.provider.token(rsa, { exp: scene.seconds() - 1 }), /token is expired/],
    ['that never expire', () => scene.provider.token(rsa, { exp: undefined }), /no time of expiry/],
    ['whose expiry is a text', () => scene.provider.token(rsa, { exp: '9999999999' }), /no time of expiry/],
    ['that are not valid yet', () => scene.provider.token(rsa, { nbf: scene.seconds() + 400 }), /not valid yet/],
    ['signed by somebody else under the same kid', () => scene.provider.token(stranger), /failed to verify signature/],
    ['of a key that is not published', () => scene.provider.token(providerKey('new')), /failed to verify signature/],
    ['without the user name', () => scene.provider.token(rsa, { sub: undefined }), /parse username claims "sub": claim not present/],
    ['with a number for a user name', () => scene.provider.token(rsa, { sub: 7 }), /parse username claims "sub": it is no text/],
    ['with an empty user name', () => scene.provider.token(rsa, { sub: '' }), /it is empty/],
    ['with groups of numbers', () => scene.provider.token(rsa, { groups: [1] }), /parse groups claim "groups"/],
    ['with groups in a map', () => scene.provider.token(rsa, { groups: { dev: true } }), /parse groups claim "groups"/],
    [
      'whose groups are elsewhere',
      () => scene.provider.token(rsa, { _claim_names: { groups: 's' }, _claim_sources: { s: { endpoint: 'https://127.0.0.1/groups' } } }),
      /distributed or aggregated claim .* not resolved here; have the provider put them into the token/,
    ],
    ['unsigned', async () => reheaded(await scene.provider.token(rsa), { alg: 'none', kid: 'rsa' }), /unsupported algorithm.* got none/],
    ['signed with the public key as a secret', () => signedWithPublicKey(), /unsupported algorithm.* got HS256/],
    [
      'whose header says another algorithm',
      async () => reheaded(await scene.provider.token(rsa), { alg: 'PS256', kid: 'rsa' }),
      /failed to verify/,
    ],
  ]
  for (const [what, make, why] of bad) {
    it(`${what} are refused`, async (t) => {
      scene.configure(scene.jwt())
      const { providers } = await scene.open(t)
      await refusedLogin(providers, await make(), why)
    })
  }

  it('of another issuer, and what is no token, are not of this kind', async (t) => {
    scene.configure(scene.jwt())
    const { providers } = await scene.open(t)
    for (const token of [
      await scene.provider.token(rsa, { iss: `${scene.provider.issuer}/` }),
      await scene.provider.token(rsa, { iss: undefined }),
      'a.b.c',
      'x',
    ]) {
      assert.equal(await login(providers, token), undefined)
    }
  })

  it('are remembered as the same user until they expire, and no longer', async (t) => {
    scene.configure(scene.jwt())
    const { providers } = await scene.open(t)
    const token = await scene.provider.token(rsa, { exp: scene.seconds() + 60 })
    const first = await login(providers, token)
    assert.equal(providers.remembered(token), first, 'the very same object, without waiting')
    scene.ahead = 61_000
    await refusedLogin(providers, token, /token is expired/)
  })
})

/** The same claims and signature under another header. */
function reheaded(token: string, header: object): string {
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.')
}

/** The confusion of algorithms: what everybody knows, taken for a secret. */
async function signedWithPublicKey(): Promise<string> {
  const [, claims] = (await scene.provider.token(rsa)).split('.')
  const secret = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' })
  const content = `${Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'rsa' })).toString('base64url')}.${claims}`
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
}

describe('a configuration that changes', () => {
  it('is followed without asking the provider again; a wrong one is told once, and the one before stays in force', async (t) => {
    scene.configure(scene.jwt())
    const { providers, told, metrics } = await scene.open(t)
    const token = await scene.provider.token(rsa, { groups: ['dev'] })
    assert.equal((await login(providers, token))?.name, 'oidc:jane')
    const asked = await scene.provider.requests()

    scene.configure(scene.jwt({ issuer: { audiences: [] } }))
    await scene.doRepeatedWork()
    await scene.doRepeatedWork()
    assert.equal(
      told.filter((line) => /not taken into use.*jwt\[0\]\.issuer\.audiences: Required value/.test(line)).length,
      1,
      told.join('\n'),
    )
    assert.equal((await login(providers, token))?.name, 'oidc:jane')

    scene.configure(scene.jwt({ claimMappings: { username: { claim: 'sub', prefix: 'new:' } } }))
    await scene.doRepeatedWork()
    assert.deepEqual(await login(providers, token), { name: 'new:jane', groups: ['system:authenticated'] }, 'also for who was remembered')
    assert.equal(await scene.provider.requests(), asked)

    scene.configure()
    await scene.doRepeatedWork()
    assert.equal(await login(providers, token), undefined)
    const reloads = 'apiserver_authentication_config_controller_automatic_reloads_total'
    assert.match(metrics.render(), new RegExp(`${reloads}\\{status="failure"\\} 1\\n`))
    assert.match(metrics.render(), new RegExp(`${reloads}\\{status="success"\\} 2\\n`))
  })

  it('that would let a provider name the system is warned of', async (t) => {
    scene.configure(scene.jwt({ claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: '' } } }))
    const { providers, told } = await scene.open(t)
    assert.match(told.join('\n'), /may name users or groups of the system/)
    const user = await login(providers, await scene.provider.token(rsa, { groups: ['system:masters'] }))
    assert.deepEqual(user?.groups, ['system:masters', 'system:authenticated'], 'as upstream: a configuration may mean it')
  })
})
