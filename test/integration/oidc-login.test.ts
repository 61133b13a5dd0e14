import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { kubeconfigJson } from '../../apiserver/certificates/kubeconfig-text.ts'
import { findKubectl, kubectlFor } from '../harness/kubectl.ts'
import { type OidcProvider, providerKey, startProvider } from '../harness/oidc-provider.ts'
import { type ServedApi, serveApi } from '../harness/served-api.ts'

const key = providerKey('a')
const CREDENTIAL = 'authentication.kubernetes.io/credential-id'
let provider: OidcProvider
let directory: string
const inDirectory = (name: string) => join(directory, name)

before(async () => {
  provider = await startProvider(key)
  directory = mkdtempSync(join(tmpdir(), 'oidc-login-'))
  writeFileSync(inDirectory('ca.crt'), provider.authority)
})
after(async () => {
  await provider.stop()
  rmSync(directory, { recursive: true })
})

const flags = () => [
  ...[`--oidc-issuer-url=${provider.issuer}`, '--oidc-client-id=coxswain', `--oidc-ca-file=${inDirectory('ca.crt')}`],
  ...['--oidc-groups-claim=groups', '--oidc-groups-prefix=oidc:', '--oidc-required-claim=hd=x.io', '--oidc-required-claim=tid=7'],
]
const good = { hd: 'x.io', tid: '7', groups: ['dev'], jti: 'seven' }

/** Lets the group read what is not secret. */
async function bind(api: ServedApi, group: string): Promise<void> {
  const { code, body } = await api.call(api.admin, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'developers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
  })
  assert.equal(code, 201, JSON.stringify(body))
}

/** A kubeconfig of somebody who logs in like this. */
function kubeconfigOf({ server }: ServedApi, name: string, user: object): string {
  const path = inDirectory(`${name}.kubeconfig`)
  const config = JSON.parse(kubeconfigJson({ servers: [server.url], authority: server.credentials.authority }, { name, token: '' })) as {
    users: object[]
  }
  writeFileSync(path, JSON.stringify({ ...config, users: [{ name, user }] }))
  return path
}

const review = async (api: ServedApi, token: string, audiences?: string[]) =>
  (await api.call(api.admin, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } })).body.status

describe('with flags', () => {
  let api: ServedApi
  before(async () => {
    api = await serveApi(flags())
    await bind(api, 'oidc:dev')
  })
  after(() => api.stop())

  it('a token opens what its groups may, and nothing else', async () => {
    const token = await provider.token(key, good)
    assert.equal((await api.call({ token }, 'GET', '/api/v1/namespaces/default/configmaps')).code, 200)
    const { code, body } = await api.call({ token }, 'GET', '/api/v1/namespaces/default/secrets')
    assert.equal(code, 403)
    assert.match(body.message, new RegExp(`^secrets is forbidden: User "${provider.issuer}#jane" cannot list resource "secrets"`))
    for (const claims of [{ ...good, hd: 'y.io' }, { hd: 'x.io' }, { ...good, exp: 1 }]) {
      const refused = await api.call({ token: await provider.token(key, claims) }, 'GET', '/api/v1/namespaces/default/configmaps')
      assert.equal(refused.code, 401)
      assert.equal(refused.body.message, 'Unauthorized', 'the client is told no more')
    }
  })

  it('a TokenReview says who it is, for which audiences, or what is wrong', async () => {
    const token = await provider.token(key, good)
    const ours = 'https://kubernetes.default.svc.cluster.local'
    assert.deepEqual(await review(api, token), {
      authenticated: true,
      user: { username: `${provider.issuer}#jane`, groups: ['oidc:dev', 'system:authenticated'], extra: { [CREDENTIAL]: ['JTI=seven'] } },
      audiences: [ours],
    })
    assert.deepEqual((await review(api, token, [ours, 'vault'])).audiences, [ours])
    assert.equal((await review(api, token, ['vault'])).error, 'invalid bearer token')
    const { authenticated, error } = await review(api, await provider.token(key, { ...good, aud: 'else' }))
    assert.equal(authenticated, undefined)
    assert.equal(error, 'oidc: verify token: expected audience in ["coxswain"] got ["else"]')
  })

  it('tokens of service accounts are what they were, and one of the provider is none of them', async () => {
    await api.call(api.admin, 'POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'builder' } })
    const asked = await api.call(api.admin, 'POST', '/api/v1/namespaces/default/serviceaccounts/builder/token', { spec: {} })
    const { user } = await review(api, asked.body.status.token)
    assert.equal(user.username, 'system:serviceaccount:default:builder')
    const forged = await provider.token(key, { ...good, iss: 'https://kubernetes.default.svc.cluster.local' })
    assert.equal((await review(api, forged)).error, 'the signature of the token is not ours')
  })

  it('kubectl logs in with --token and with an exec plug-in', async () => {
    const program = await findKubectl()
    const kubectl = kubectlFor(program, kubeconfigOf(api, 'nobody', {}))
    const token = await provider.token(key, good)
    const who = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username} {.status.userInfo.groups}']
    const jane = `${provider.issuer}#jane ["oidc:dev","system:authenticated"]`
    assert.equal(await kubectl.ok([...who, `--token=${token}`]), jane)
    assert.match(await kubectl.fails(`get secrets --token=${token}`), /secrets is forbidden: User ".*#jane" cannot list/)
    assert.match(await kubectl.fails(`get pods --token=${token}x`), /You must be logged in to the server|Unauthorized/)

    const command = inDirectory('log-in.sh')
    const answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    writeFileSync(command, `#!/bin/sh\nprintf '${answer}' "$ID_TOKEN"\n`)
    chmodSync(command, 0o755)
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command,
      interactiveMode: 'Never',
      env: [{ name: 'ID_TOKEN', value: token }],
    }
    const withPlugin = kubectlFor(program, kubeconfigOf(api, 'plugin', { exec }))
    assert.equal(await withPlugin.ok(who), jane)
    assert.equal(await withPlugin.ok('get configmaps -o name'), '')
  })
})

describe('with a file', () => {
  let api: ServedApi
  const file = () => inDirectory('authentication.yaml')
  const configure = (fields: string) =>
    writeFileSync(file(), `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n${fields}`)
  const jwt = (prefix: string) => `
jwt:
- issuer:
    url: ${provider.issuer}
    audiences: [coxswain, other]
    audienceMatchPolicy: MatchAny
    certificateAuthority: |
${provider.authority.replace(/^/gm, '      ')}
  claimMappings:
    username: { expression: '"${prefix}" + claims.sub' }
    groups: { claim: groups, prefix: '' }
    uid: { claim: sub }
    extra: [{ key: example.org/team, valueExpression: 'claims.?team.orValue([])' }]
  userValidationRules:
  - expression: "!user.groups.exists(g, g.startsWith('system:'))"
    message: groups of the system are not the provider's to give
`
  const anonymous = 'anonymous: { enabled: true, conditions: [{ path: /livez }] }'
  before(async () => {
    configure(`${jwt('p:')}${anonymous}`)
    api = await serveApi([`--authentication-config=${file()}`])
  })
  after(() => api.stop())

  it('its mappings say who it is, and its rules who it is not', async () => {
    const { user } = await review(api, await provider.token(key, { aud: 'other', groups: 'ops', team: ['a', 'b'] }))
    assert.deepEqual(user, {
      username: 'p:jane',
      uid: 'jane',
      groups: ['ops', 'system:authenticated'],
      extra: { 'example.org/team': ['a', 'b'] },
    })
    const { error } = await review(api, await provider.token(key, { groups: ['system:masters'] }))
    assert.match(error, /^oidc: validation expression .* failed: groups of the system are not the provider's to give$/)
  })

  it('nobody is somebody at the paths that it names only', async () => {
    assert.equal((await api.call({}, 'GET', '/livez?verbose')).code, 200)
    assert.equal((await api.call({}, 'GET', '/readyz')).code, 401)
    assert.equal((await api.call({}, 'GET', '/api/v1/pods')).code, 401)
    assert.equal((await api.call({ token: 'x' }, 'GET', '/livez')).code, 401)
  })

  it('it is followed when it changes; one that says something else of nobody is not taken', async () => {
    const token = await provider.token(key)
    assert.equal((await review(api, token)).user.username, 'p:jane')
    const reloads = async () =>
      (await api.call(api.admin, 'GET', '/metrics')).body.match(/(?<=config_controller_automatic_reloads_total)\{status="\w+"\} \d+/g)
    configure(`${jwt('q:')}anonymous: { enabled: true }`)
    await api.doRepeatedWork()
    assert.equal((await review(api, token)).user.username, 'p:jane')
    assert.equal((await api.call({}, 'GET', '/readyz')).code, 401)
    assert.deepEqual(await reloads(), ['{status="failure"} 1'])
    configure(`${jwt('q:')}${anonymous}`)
    await api.doRepeatedWork()
    assert.equal((await review(api, token)).user.username, 'q:jane')
    assert.equal((await api.call({}, 'GET', '/readyz')).code, 401)
    assert.deepEqual(await reloads(), ['{status="failure"} 1', '{status="success"} 1'])
  })

  it('it excludes the flags that say the same', async () => {
    const config = `--authentication-config=${file()}`
    await assert.rejects(
      serveApi([config, ...flags()]),
      /--authentication-config and --oidc-\* flags are mutually exclusive.*--oidc-client-id/,
    )
    configure('anonymous: { enabled: false }')
    await assert.rejects(
      serveApi([config, '--anonymous-auth=false']),
      /--anonymous-auth flag cannot be set when the anonymous field is configured/,
    )
    configure('jwt: 7')
    await assert.rejects(serveApi([config]), /authentication\.yaml: jwt: must be array/)
  })
})

it('a provider that is away does not keep the server from starting, and its tokens are good when it is back', async () => {
  await provider.leave()
  const api = await serveApi(flags()).catch(async (error: unknown) => {
    await provider.comeBack()
    throw error
  })
  try {
    const token = await provider.token(key, good)
    assert.match((await review(api, token)).error, /oidc: verify token: authenticator not initialized: Get .*ECONNREFUSED/)
    assert.equal((await api.call(api.admin, 'GET', '/readyz')).code, 200)
    await provider.comeBack()
    await api.doRepeatedWork()
    assert.equal((await review(api, token)).authenticated, true)
  } finally {
    await api.stop()
  }
})
