import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { type Issuer, issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type Identity, type ServedApi, serveApi } from '../harness/served-api.ts'

const DAY = 86_400_000
const now = realClock().now()
let api: ServedApi
let authority: Issuer

before(async () => {
  api = await serveApi()
  const pki = (file: string) => readFileSync(join(api.directory, 'pki', file), 'utf8')
  authority = { certificate: pki('ca.crt'), key: pki('ca.key') }
})
after(() => api.stop())

type Wish = {
  name?: string
  groups?: string[]
  notBefore?: number
  notAfter?: number
  usages?: ('clientAuth' | 'serverAuth')[]
  by?: Issuer | Promise<Issuer>
}

async function certificate({
  name = 'jane',
  groups = [],
  notBefore = now - DAY,
  notAfter = now + DAY,
  usages = ['clientAuth'],
  by = authority,
}: Wish = {}): Promise<Identity> {
  const subject = { commonName: name, organizations: groups }
  const { key } = await createKeyAndRequest(subject)
  return { key, cert: await issueCertificate(await by, { subject, publicKey: createPublicKey(key), notBefore, notAfter, usages }) }
}

async function foreignAuthority(commonName = 'kubernetes'): Promise<Issuer> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { key, certificate: await issueAuthority(pair, { commonName, notBefore: now - DAY, notAfter: now + 100 * DAY }) }
}

const whoAmI = (identity: Identity | Promise<Identity>) =>
  api.call(identity, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
  })

/** 401 in upstream's words, and not one more. */
async function unauthorized(identity: Identity | Promise<Identity>) {
  const { code, body } = await api.call(identity, 'GET', '/api/v1/namespaces/default/pods')
  assert.equal(code, 401)
  assert.deepEqual(body, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  })
}

describe('certificates over TLS', () => {
  it('say who somebody is', async () => {
    const { code, body } = await whoAmI(certificate({ name: 'jane', groups: ['dev'] }))
    assert.equal(code, 201)
    assert.equal(body.status.userInfo.username, 'jane')
    assert.deepEqual(body.status.userInfo.groups, ['dev', 'system:authenticated'])
  })

  it('of the administrator may everything', async () => {
    assert.equal((await api.call(api.admin, 'GET', '/api/v1/secrets')).code, 200)
  })

  const bad: [string, () => Promise<Identity>][] = [
    ['that expired', () => certificate({ notBefore: now - 2 * DAY, notAfter: now - DAY })],
    ['that are not valid yet', () => certificate({ notBefore: now + DAY, notAfter: now + 2 * DAY })],
    ['of a foreign authority of the same name', () => certificate({ by: foreignAuthority(), groups: ['system:masters'] })],
    ['of a foreign authority of another name', () => certificate({ by: foreignAuthority('elsewhere'), groups: ['system:masters'] })],
    ['for servers only', () => certificate({ usages: ['serverAuth'], groups: ['system:masters'] })],
    [
      'signed by one that is no authority',
      async () => {
        const middle = await certificate({ name: 'middle' })
        return certificate({ by: { certificate: middle.cert ?? '', key: middle.key ?? '' }, groups: ['system:masters'] })
      },
    ],
    ['without a name', () => certificate({ name: '', groups: ['system:masters'] })],
  ]
  for (const [what, make] of bad) it(`${what} are refused, not taken for nobody`, () => unauthorized(make()))
})

describe('tokens', () => {
  const inNamespace = (path: string) => `/api/v1/namespaces/default/${path}`
  const podDraft = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { serviceAccountName: 'builder', containers: [{ name: 'main', image: 'nginx' }] },
  })
  const askToken = async (spec: object = {}) => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
    const answer = await api.call(api.admin, 'POST', inNamespace('serviceaccounts/builder/token'), body)
    assert.equal(answer.code, 201, JSON.stringify(answer.body))
    return answer.body.status.token as string
  }
  before(async () => {
    for (const name of ['default', 'builder']) {
      assert.equal(
        (
          await api.call(api.admin, 'POST', inNamespace('serviceaccounts'), {
            apiVersion: 'v1',
            kind: 'ServiceAccount',
            metadata: { name },
          })
        ).code,
        201,
      )
    }
  })

  it('of a service account are that account', async () => {
    const { body } = await whoAmI({ token: await askToken() })
    assert.equal(body.status.userInfo.username, 'system:serviceaccount:default:builder')
  })

  it('end with the Pod they are bound to', async () => {
    const pod = await api.call(api.admin, 'POST', inNamespace('pods'), podDraft('web'))
    assert.equal(pod.code, 201, JSON.stringify(pod.body))
    const token = await askToken({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: pod.body.metadata.uid } })
    const { body } = await whoAmI({ token })
    assert.deepEqual(body.status.userInfo.extra['authentication.kubernetes.io/pod-name'], ['web'])
    assert.equal((await api.call(api.admin, 'DELETE', inNamespace('pods/web?gracePeriodSeconds=0'))).code, 200)
    await unauthorized({ token })
  })

  it('are not given for objects that are not there, or are others', async () => {
    const ask = (boundObjectRef: object) =>
      api.call(api.admin, 'POST', inNamespace('serviceaccounts/builder/token'), {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { boundObjectRef },
      })
    assert.equal((await ask({ apiVersion: 'v1', kind: 'Pod', name: 'ghost' })).code, 404)
    const pod = await api.call(api.admin, 'POST', inNamespace('pods'), podDraft('other'))
    assert.equal(pod.code, 201)
    assert.equal((await ask({ apiVersion: 'v1', kind: 'Pod', name: 'other', uid: 'x' })).code, 409)
  })

  it('end in time', async () => {
    const token = await askToken({ expirationSeconds: 600 })
    assert.equal((await whoAmI({ token })).code, 201)
    api.skew = 601_000
    try {
      await unauthorized({ token })
    } finally {
      api.skew = 0
    }
  })

  it('for others do not open the API, but can be reviewed for them', async () => {
    const token = await askToken({ audiences: ['vault'] })
    await unauthorized({ token })
    const review = (audiences: string[]) =>
      api.call(api.admin, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences },
      })
    const good = (await review(['vault', 'mail'])).body.status
    assert.equal(good.authenticated, true)
    assert.deepEqual(good.audiences, ['vault'])
    assert.equal((await review(['mail'])).body.status.authenticated ?? false, false)
  })

  it('of another cluster, tampered ones and no tokens are refused', async () => {
    const token = await askToken()
    const other = await serveApi()
    try {
      const made = await other.call(other.admin, 'POST', '/api/v1/namespaces/default/serviceaccounts', {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'builder' },
      })
      assert.equal(made.code, 201)
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
      const foreign = await other.call(other.admin, 'POST', '/api/v1/namespaces/default/serviceaccounts/builder/token', request)
      await unauthorized({ token: foreign.body.status.token })
    } finally {
      await other.stop()
    }
    const [header, , signature] = token.split('.')
    const claims = Buffer.from(JSON.stringify({ sub: 'system:serviceaccount:kube-system:admin' })).toString('base64url')
    for (const bad of [`${token}x`, token.slice(0, -2), `${header}.${claims}.${signature}`, 'x', 'a.b.c', 'abcdef.0123456789abcdef'])
      await unauthorized({ token: bad })
  })

  it('can be checked by the world', async () => {
    const identity = { token: await askToken() }
    const configuration = (await api.call(identity, 'GET', '/.well-known/openid-configuration')).body
    assert.equal(configuration.issuer, 'https://kubernetes.default.svc.cluster.local')
    const { keys } = (await api.call(identity, 'GET', new URL(configuration.jwks_uri).pathname)).body
    assert.equal(keys.length, 1)
    assert.equal('d' in keys[0], false, 'no private part')
    const { jwtVerify, importJWK } = await import('jose')
    const verified = await jwtVerify(identity.token, await importJWK(keys[0]), {
      issuer: configuration.issuer,
      audience: configuration.issuer,
    })
    assert.equal(verified.payload.sub, 'system:serviceaccount:default:builder')
  })
})

describe('nobody', () => {
  it('sees health, the version and the public card', async () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/version', '/api/v1/namespaces/kube-public/configmaps/cluster-info']) {
      assert.equal((await api.call({}, 'GET', path)).code, 200, path)
    }
  })

  it('sees nothing else, and is told what is missing', async () => {
    for (const path of ['/api', '/apis', '/openapi/v3', '/metrics', '/api/v1/nodes', '/no/such/path']) {
      assert.equal((await api.call({}, 'GET', path)).code, 403, path)
    }
    const { body } = await api.call({}, 'GET', '/api/v1/namespaces/default/pods')
    assert.equal(
      body.message,
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"',
    )
    assert.equal((await api.call({}, 'GET', '/metrics')).body.message, 'forbidden: User "system:anonymous" cannot get path "/metrics"')
  })
})

describe('the server’s own certificate', () => {
  it('is renewed while it serves', async () => {
    const shown = () => readFileSync(join(api.directory, 'pki/apiserver.crt'), 'utf8')
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const { hostname, port } = new URL(api.server.url)
        const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().serialNumber)
          socket.destroy()
        })
        socket.on('error', reject)
      })
    const before = [shown(), await serial()]
    api.skew = 300 * DAY
    try {
      await api.doRepeatedWork()
    } finally {
      api.skew = 0
    }
    assert.notEqual(shown(), before[0])
    assert.notEqual(await serial(), before[1])
  })
})
