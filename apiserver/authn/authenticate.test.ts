import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { beforeEach, describe, it } from 'node:test'
import { CompactSign } from 'jose'
import { issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { decodePem } from '../../shared/certificates/pem.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { ServiceAccountKeys, VerifyingKey } from '../certificates/service-account-keys.ts'
import type { TokenIssue } from '../registry/define-resource.ts'
import { type AuthenticationOptions, createAuthentication } from './authenticate.ts'
import { signWebToken } from './json-web-token.ts'
import type { Credentials } from './user.ts'

const ISSUER = 'https://kubernetes.default.svc.cluster.local'
const DAY = 86_400_000

let now = 0
const clock: Clock = { ...realClock(), now: () => now }
let reader = new TestReader()

function newKeys(id: string): ServiceAccountKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = (material: KeyObject): VerifyingKey => ({ id, algorithm: 'ES256', key: material })
  return { signing: key(privateKey), verifying: [key(publicKey)] }
}
const keys = newKeys('ours')

const authentication = (changes: Partial<AuthenticationOptions> = {}) =>
  createAuthentication({
    reader,
    clock,
    random: seededRandom(1),
    log: silentLogger(),
    serviceAccountKeys: keys,
    issuer: ISSUER,
    ...changes,
  })

const bearer = (token: string): Credentials => ({ headers: { authorization: `Bearer ${token}` }, remoteAddress: '192.0.2.1' })
const nothing: Credentials = { headers: {}, remoteAddress: '192.0.2.1' }

async function refused(credentials: Credentials, why: RegExp, made = authentication()) {
  await assert.rejects(made.authenticate(credentials), (error) => {
    assert.ok(error instanceof StatusError)
    assert.equal(error.code, 401)
    assert.equal(error.message, 'Unauthorized', 'the client is told no more')
    assert.match(error.cause instanceof Error ? error.cause.message : '', why)
    return true
  })
}

beforeEach(() => {
  now = Date.UTC(2026, 10, 23, 12)
  reader = new TestReader()
})

describe('client certificates', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = async (commonName: string, organizations: string[], notBefore: number, notAfter: number): Promise<Uint8Array> => {
    const authority = await issueAuthority(pair, { commonName: 'kubernetes', notBefore: now - DAY, notAfter: now + 100 * DAY })
    const issuer = { certificate: authority, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    const wish = { subject: { commonName, organizations }, publicKey: pair.publicKey, notBefore, notAfter, usages: ['clientAuth'] as const }
    return decodePem('CERTIFICATE', await issueCertificate(issuer, wish))[0] ?? Buffer.alloc(0)
  }
  const withCertificate = (clientCertificate: Uint8Array): Credentials => ({ ...nothing, clientCertificate })

  it('name the user and the groups', async () => {
    const user = await authentication().authenticate(withCertificate(await certificate('jane', ['dev', 'ops'], now - DAY, now + DAY)))
    assert.equal(user.name, 'jane')
    assert.deepEqual(user.groups, ['dev', 'ops', 'system:authenticated'])
    assert.match(user.extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^X509SHA256=[0-9a-f]{64}$/)
  })

  it('give the same user object for each request of a connection, which is what makes authorisation quick', async () => {
    const made = authentication()
    const connection = withCertificate(await certificate('jane', [], now - DAY, now + DAY))
    assert.equal(await made.authenticate(connection), await made.authenticate(connection))
  })

  it('are refused when they expired, also in the middle of a connection, or are not valid yet', async () => {
    const made = authentication()
    const short = withCertificate(await certificate('jane', [], now - DAY, now + 1000))
    assert.equal((await made.authenticate(short)).name, 'jane')
    now += 2000
    await refused(short, /expired/, made)
    await refused(withCertificate(await certificate('jane', [], now + DAY, now + 2 * DAY)), /not yet valid/)
  })

  it('are refused without a common name, when damaged, and when TLS did not accept them', async () => {
    await refused(withCertificate(await certificate('', ['system:masters'], now - DAY, now + DAY)), /no common name/)
    await refused(withCertificate(Buffer.from('not a certificate')), /not readable/)
    await refused({ ...nothing, certificateProblem: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /UNABLE_TO_VERIFY/)
  })

  it('that are refused may be made up for by a good token', async () => {
    const made = authentication({ tokenFile: 'secret-token,jane,7' })
    const user = await made.authenticate({ ...bearer('secret-token'), certificateProblem: 'CERT_HAS_EXPIRED' })
    assert.equal(user.name, 'jane')
  })
})

describe('anonymous requests', () => {
  it('are nobody in particular, or refused where that is not wanted', async () => {
    assert.deepEqual(await authentication().authenticate(nothing), { name: 'system:anonymous', groups: ['system:unauthenticated'] })
    await refused(nothing, /^$/, authentication({ anonymous: () => ({ enabled: false }) }))
  })

  for (const authorization of ['Basic amFuZTpwdw==', 'Bearer', 'Bearer ', 'Token abc']) {
    it(`is what ${JSON.stringify(authorization)} amounts to`, async () => {
      assert.equal((await authentication().authenticate({ ...nothing, headers: { authorization } })).name, 'system:anonymous')
    })
  }
})

describe('the token file', () => {
  it('names users, uids and groups', async () => {
    const made = authentication({ tokenFile: '# people\n\nt-1,jane,u-1,"dev, ops"\nt-2,joe,\n' })
    assert.deepEqual(await made.authenticate(bearer('t-1')), { name: 'jane', uid: 'u-1', groups: ['dev', 'ops', 'system:authenticated'] })
    assert.deepEqual(await made.authenticate(bearer('t-2')), { name: 'joe', groups: ['system:authenticated'] })
    await refused(bearer('t-3'), /invalid bearer token/, made)
  })

  it('is refused as a whole when a line is malformed', () => {
    assert.throws(() => authentication({ tokenFile: 't-1,jane,u-1\nt-2,joe' }), /line 2/)
  })

  it('is also read from the subprotocol that browsers use', async () => {
    const made = authentication({ tokenFile: 't-1,jane,u-1' })
    const handshake = (...protocolTokens: string[]) => ({ ...nothing, headers: { 'sec-websocket-protocol': 'v5' }, protocolTokens })
    assert.equal((await made.authenticate(handshake('dC0x'))).name, 'jane')
    await refused(handshake('dC0x', 'dC0x'), /multiple/, made)
    await refused({ ...handshake('dC0x'), headers: {} }, /missing additional subprotocol/, made)
    for (const odd of ['dC0x=', 'dC0x ', '', 'd/0x', 'dC0xA', '_w']) await refused(handshake(odd), /token encoding/, made)
  })

  it('is the whole text behind one space, and nothing longer than a token', async () => {
    const made = authentication({ tokenFile: 't-1,jane,u-1' })
    assert.equal((await made.authenticate({ ...nothing, headers: { authorization: 'bearer t-1' } })).name, 'jane')
    for (const written of ['t-1 t-2', ' t-1', 't-1,', 't-1=']) await refused(bearer(written), /invalid bearer token/, made)
    await refused(bearer('x'.repeat(inputLimits.tokenCharacters + 1)), /at most 16384 characters/, made)
    await assert.rejects(made.tokens.review('x'.repeat(inputLimits.tokenCharacters + 1), []), /at most 16384 characters/)
  })
})

describe('bootstrap tokens', () => {
  const putToken = (fields: Record<string, string> = {}, type = 'bootstrap.kubernetes.io/token') => {
    const all = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', ...fields }
    const data = Object.fromEntries(Object.entries(all).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
    reader.put('v1', 'Secret', { metadata: { namespace: 'kube-system', name: 'bootstrap-token-abcdef' }, type, data })
  }
  const token = bearer('abcdef.0123456789abcdef')

  it('are joining nodes', async () => {
    putToken({ 'auth-extra-groups': 'system:bootstrappers:lab', expiration: timestamp(now + 1000) })
    assert.deepEqual(await authentication().authenticate(token), {
      name: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:bootstrappers:lab', 'system:authenticated'],
    })
  })

  it('end with their Secret, at once', async () => {
    putToken()
    const made = authentication()
    await made.authenticate(token)
    reader.remove('v1', 'Secret', 'kube-system/bootstrap-token-abcdef')
    await refused(token, /invalid bearer token/, made)
  })

  const bad: [string, Record<string, string>, RegExp][] = [
    ['expired', { expiration: '2026-11-23T11:59:59Z' }, /expired/],
    ['with an expiration that cannot be read', { expiration: 'tomorrow' }, /expired/],
    ['with another secret', { 'token-secret': '0123456789abcdeX' }, /invalid bearer token/],
    ['with another id inside', { 'token-id': 'fedcba' }, /invalid bearer token/],
    ['not for authentication', { 'usage-bootstrap-authentication': 'yes' }, /not for authentication/],
    ['that would make masters', { 'auth-extra-groups': 'system:masters' }, /system:masters, which it may not/],
  ]
  for (const [what, fields, why] of bad) {
    it(`are refused when ${what}`, async () => {
      putToken(fields)
      await refused(token, why)
    })
  }

  it('are refused when the Secret is of another type', async () => {
    putToken({}, 'Opaque')
    await refused(token, /invalid bearer token/)
  })
})

describe('service account tokens', () => {
  const request: TokenIssue = {
    namespace: 'default',
    serviceAccount: { name: 'builder', uid: 'sa-1' },
    audiences: [ISSUER],
    expirationSeconds: 3600,
    boundObject: { kind: 'Pod', name: 'web', uid: 'pod-1' },
    node: { name: 'node-1', uid: 'node-uid' },
  }
  const issue = async (changes: Partial<TokenIssue> = {}) => (await authentication().tokens.issue({ ...request, ...changes })).token
  beforeEach(() => {
    reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'builder', uid: 'sa-1' } })
    reader.put('v1', 'Pod', { metadata: { namespace: 'default', name: 'web', uid: 'pod-1' }, spec: {}, status: {} })
    reader.put('v1', 'Node', { metadata: { name: 'node-1', uid: 'node-uid' }, spec: {}, status: {} })
    reader.put('v1', 'Secret', { metadata: { namespace: 'default', name: 's', uid: 'secret-1' } })
  })

  it('are the account, with what they are bound to', async () => {
    const user = await authentication().authenticate(bearer(await issue()))
    assert.equal(user.name, 'system:serviceaccount:default:builder')
    assert.equal(user.uid, 'sa-1')
    assert.deepEqual(user.groups, ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'])
    assert.deepEqual(
      Object.entries(user.extra ?? {}).filter(([key]) => !key.endsWith('credential-id')),
      [
        ['authentication.kubernetes.io/node-name', ['node-1']],
        ['authentication.kubernetes.io/node-uid', ['node-uid']],
        ['authentication.kubernetes.io/pod-name', ['web']],
        ['authentication.kubernetes.io/pod-uid', ['pod-1']],
      ],
    )
  })

  it('say when they end, and end then', async () => {
    const made = authentication()
    const { token, expires } = await made.tokens.issue(request)
    assert.equal(expires, now + 3_600_000)
    now = expires - 1
    await made.authenticate(bearer(token))
    now = expires
    await refused(bearer(token), /expired/, made)
  })

  const gone: [string, Partial<TokenIssue>, () => void, RegExp][] = [
    ['the Pod is deleted', {}, () => reader.remove('v1', 'Pod', 'default/web'), /pod web .* gone/],
    [
      'the Pod is another of that name',
      {},
      () => reader.put('v1', 'Pod', { metadata: { namespace: 'default', name: 'web', uid: 'pod-2' } }),
      /pod web .* gone/,
    ],
    ['the account is deleted', {}, () => reader.remove('v1', 'ServiceAccount', 'default/builder'), /service account builder .* gone/],
    [
      'the Secret is deleted',
      { boundObject: { kind: 'Secret', name: 's', uid: 'secret-1' } },
      () => reader.remove('v1', 'Secret', 'default/s'),
      /secret s .* gone/,
    ],
    [
      'the node is deleted',
      { boundObject: { kind: 'Node', name: 'node-1', uid: 'node-uid' }, node: undefined },
      () => reader.remove('v1', 'Node', 'node-1'),
      /node node-1 .* gone/,
    ],
    [
      'the Pod should have been gone for more than a minute',
      {},
      () =>
        reader.put('v1', 'Pod', {
          metadata: { namespace: 'default', name: 'web', uid: 'pod-1', deletionTimestamp: timestamp(now - 61_000) },
        }),
      /pod web is being deleted/,
    ],
  ]
  for (const [what, changes, event, why] of gone) {
    it(`end at once when ${what}, although their signature is remembered`, async () => {
      const made = authentication()
      const credentials = bearer((await made.tokens.issue({ ...request, ...changes })).token)
      await made.authenticate(credentials)
      event()
      await refused(credentials, why, made)
    })
  }

  it('of a Pod do not end with its node: the Pod decides', async () => {
    const token = await issue()
    reader.remove('v1', 'Node', 'node-1')
    await authentication().authenticate(bearer(token))
  })

  it('for another audience do not open the API, and TokenReview tells which audiences are good', async () => {
    const token = await issue({ audiences: ['vault', 'db'] })
    await refused(bearer(token), /audiences \[vault db\]/)
    const { user, audiences } = await authentication().tokens.review(token, ['db', 'mail'])
    assert.equal(user.name, 'system:serviceaccount:default:builder')
    assert.deepEqual(audiences, ['db'])
    await assert.rejects(authentication().tokens.review(token, ['mail']), /audiences/)
  })

  it('of another cluster are refused, even when they claim our key', async () => {
    const foreign = authentication({ serviceAccountKeys: newKeys('ours') })
    await refused(bearer((await foreign.tokens.issue(request)).token), /signature/)
    const other = authentication({ issuer: 'https://elsewhere.example', serviceAccountKeys: newKeys('theirs') })
    await refused(bearer((await other.tokens.issue(request)).token), /invalid bearer token/)
  })

  it('signed with a key that was added for a change of keys are good', async () => {
    const old = newKeys('old')
    const { token } = await authentication({ serviceAccountKeys: old }).tokens.issue(request)
    const both = { signing: keys.signing, verifying: [...keys.verifying, ...old.verifying] }
    await authentication({ serviceAccountKeys: both }).authenticate(bearer(token))
  })

  it('are refused when tampered with', async () => {
    const [header, claims = '', signature] = (await issue()).split('.')
    const changed = Buffer.from(Buffer.from(claims, 'base64url').toString().replaceAll('builder', 'admin12')).toString('base64url')
    await refused(bearer(`${header}.${changed}.${signature}`), /signature/)
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: 'ours' })).toString('base64url')
    await refused(bearer(`${none}.${claims}.${signature}`), /signature/)
    const hmac = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'ours' })).toString('base64url')
    await refused(bearer(`${hmac}.${claims}.${signature}`), /signature/)
  })

  it('have one spelling: with any character changed, added or left out they are refused, before and after the right one was seen', async () => {
    const made = authentication()
    const { token } = await made.tokens.issue(request)
    const others = [`${token}=`, `${token}==`, `${token} `, `${token}\n`, `${token}.`, `${token}A`, `${token}!`, ` ${token}`, `+${token}`]
    others.push(...token.split('.').map((part) => token.replace(part, `${part}=`)), token.replace('.', ' .'), token.slice(0, -1))
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const last of alphabet) if (!token.endsWith(last)) others.push(token.slice(0, -1) + last)
    for (let at = 0; at < token.length; at++) {
      const next = alphabet[(alphabet.indexOf(token.charAt(at)) + 1) % 64]
      others.push(token.slice(0, at) + next + token.slice(at + 1))
    }
    const refuseAll = async () => {
      for (const other of others) await assert.rejects(made.tokens.review(other, []), { code: 401 }, other)
    }
    await refuseAll()
    await made.authenticate(bearer(token))
    await refuseAll()
  })

  it('whose header calls something critical are refused, even signed by us', async () => {
    const claims = { iss: ISSUER, aud: [ISSUER], exp: now / 1000 + 60, sub: 'system:serviceaccount:default:builder' }
    for (const extension of [
      { crit: ['b64'], b64: true },
      { crit: ['exp'], exp: 1 },
    ]) {
      const signed = await new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'ES256', kid: 'ours', ...extension })
        .sign(keys.signing.key, { crit: { exp: true } })
      await refused(bearer(signed), /invalid bearer token/)
    }
  })

  it('are told apart by the key they name, whatever kind of key it is', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsa = (key: KeyObject): VerifyingKey => ({ id: 'rsa', algorithm: 'RS256', key })
    const both = { signing: rsa(pair.privateKey), verifying: [...keys.verifying, rsa(pair.publicKey)] }
    const { token } = await authentication({ serviceAccountKeys: both }).tokens.issue(request)
    const renamed = { ...both, verifying: both.verifying.map((key) => ({ ...key, id: key.id === 'rsa' ? 'ours' : 'rsa' })) }
    await authentication({ serviceAccountKeys: both }).authenticate(bearer(token))
    await refused(bearer(token), /signature/, authentication({ serviceAccountKeys: renamed }))
  })

  it('whose claims are not those of an account are refused, whoever signed them', async () => {
    const base = { iss: ISSUER, aud: [ISSUER], exp: now / 1000 + 60, nbf: now / 1000 }
    const account = { namespace: 'default', serviceaccount: { name: 'builder', uid: 'sa-1' } }
    const sub = 'system:serviceaccount:default:builder'
    for (const claims of [
      { ...base, sub },
      { ...base, sub: 'kubernetes-admin', 'kubernetes.io': account },
      { ...base, sub, exp: 'never', 'kubernetes.io': account },
    ]) {
      await refused(bearer(await signWebToken(claims, keys.signing)), /claims/)
    }
    const early = { ...base, nbf: now / 1000 + 120, exp: now / 1000 + 600, sub, 'kubernetes.io': account }
    await refused(bearer(await signWebToken(early, keys.signing)), /not valid yet/)
  })

  for (const text of ['a.b.c', '..', 'x', 'a.b', `${'A'.repeat(10_000)}.B.C`, 'eyJhbGciOiJFUzI1NiJ9.bm90anNvbg.AA']) {
    it(`that are none are refused: ${text.slice(0, 40)}`, () => refused(bearer(text), /invalid bearer token/))
  }
})
