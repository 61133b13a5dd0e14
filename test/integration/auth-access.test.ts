import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import { issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type Answer, type Identity, type ServedApi, serveApi } from '../harness/served-api.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
let api: ServedApi

before(async () => {
  api = await serveApi()
  await made('/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } })
})
after(() => api.stop())

async function user(name: string, ...groups: string[]): Promise<Identity> {
  const pki = (file: string) => readFileSync(join(api.directory, 'pki', file), 'utf8')
  const subject = { commonName: name, organizations: groups }
  const { key } = await createKeyAndRequest(subject)
  const now = realClock().now()
  const wish = {
    subject,
    publicKey: createPublicKey(key),
    notBefore: now - 1000,
    notAfter: now + 3_600_000,
    usages: ['clientAuth'] as const,
  }
  return { key, cert: await issueCertificate({ certificate: pki('ca.crt'), key: pki('ca.key') }, wish) }
}

async function made(path: string, body: object, by: Identity | Promise<Identity> = api.admin): Promise<Answer['body']> {
  const answer = await api.call(by, 'POST', path, body)
  assert.equal(answer.code, 201, JSON.stringify(answer.body))
  return answer.body
}

async function forbidden(answer: Promise<Answer>, message: RegExp = /is forbidden/) {
  const { code, body } = await answer
  assert.equal(code, 403, JSON.stringify(body))
  assert.equal(body.reason, 'Forbidden')
  assert.match(body.message, message)
}

describe('components', () => {
  const verbs: [who: string, method: string, path: string][] = [
    ['system:kube-scheduler', 'POST', '/api/v1/namespaces/default/pods'],
    ['system:kube-scheduler', 'GET', '/api/v1/secrets'],
    ['system:kube-scheduler', 'DELETE', '/api/v1/nodes/a'],
    ['system:kube-scheduler', 'PUT', '/apis/apps/v1/namespaces/default/deployments/web'],
    ['system:kube-controller-manager', 'POST', `${RBAC}/clusterrolebindings`],
    ['system:kube-controller-manager', 'POST', '/api/v1/nodes'],
    ['system:kube-proxy', 'GET', '/api/v1/secrets'],
    ['system:kube-proxy', 'POST', '/api/v1/namespaces/default/services'],
    ['somebody', 'GET', '/api/v1/namespaces/default/pods'],
    ['somebody', 'GET', '/api/v1/namespaces'],
  ]
  for (const [who, method, path] of verbs) {
    it(`${who} may not ${method} ${path}`, () =>
      forbidden(
        api.call(user(who), method, path, method === 'GET' || method === 'DELETE' ? undefined : {}),
        new RegExp(`User "${who}" cannot`),
      ))
  }

  it('may what they live on', async () => {
    assert.equal((await api.call(user('system:kube-scheduler'), 'GET', '/api/v1/pods')).code, 200)
    assert.equal((await api.call(user('system:kube-controller-manager'), 'GET', '/api/v1/secrets')).code, 200)
    assert.equal((await api.call(user('system:kube-proxy'), 'GET', '/apis/discovery.k8s.io/v1/endpointslices')).code, 200)
  })
})

describe('joining', () => {
  const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
  const csr = async (
    name: string,
    subject = { commonName: 'system:node:a', organizations: ['system:nodes'] },
    signerName = 'kubernetes.io/kube-apiserver-client-kubelet',
  ) => ({
    ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name } },
    spec: {
      signerName,
      usages: ['client auth', 'digital signature'],
      request: Buffer.from((await createKeyAndRequest(subject)).request).toString('base64'),
    },
  })
  const joiner = () => {
    const { id, secret } = api.server.credentials.bootstrapToken
    return { token: `${id}.${secret}` }
  }

  it('with the token of bootstrap.kubeconfig is asking for a certificate, in one’s own name', async () => {
    const own = await csr('join-1')
    const created = await made(
      requests,
      { ...own, spec: { ...own.spec, username: 'kubernetes-admin', groups: ['system:masters'] } },
      joiner(),
    )
    assert.match(created.spec.username, /^system:bootstrap:[a-z0-9]{6}$/)
    assert.ok(created.spec.groups.includes('system:bootstrappers') && !created.spec.groups.includes('system:masters'))
    assert.equal((await api.call(joiner(), 'GET', `${requests}/join-1`)).code, 200)
  })

  it('is nothing else', async () => {
    for (const path of [
      '/api/v1/nodes',
      '/api/v1/pods',
      '/api/v1/namespaces/kube-system/secrets',
      '/api/v1/namespaces/kube-system/configmaps',
      '/api/v1/services',
      `${RBAC}/clusterroles`,
    ]) {
      await forbidden(api.call(joiner(), 'GET', path))
    }
    await forbidden(api.call(joiner(), 'POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } }))
    await forbidden(api.call(joiner(), 'DELETE', `${requests}/join-1`))
    await forbidden(api.call(joiner(), 'PUT', `${requests}/join-1/approval`, await csr('join-1')))
  })

  it('cannot make masters', async () =>
    forbidden(
      api.call(
        joiner(),
        'POST',
        requests,
        await csr('join-2', { commonName: 'x', organizations: ['system:masters'] }, 'kubernetes.io/kube-apiserver-client'),
      ),
      /system:masters group is not allowed/,
    ))

  it('ends with the token', async () => {
    const { id } = api.server.credentials.bootstrapToken
    const token = joiner()
    assert.equal((await api.call(api.admin, 'DELETE', `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${id}`)).code, 200)
    assert.equal((await api.call(token, 'GET', requests)).code, 401)
  })
})

describe('nodes', () => {
  const [a, b] = ['a', 'b']
  const node = (name: string) => user(`system:node:${name}`, 'system:nodes')
  const nodeDraft = (name: string, labels: Record<string, string> = {}) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })
  const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { k: 'v' } })
  const core = '/api/v1/namespaces/default'

  before(async () => {
    for (const name of [a, b]) await made('/api/v1/nodes', nodeDraft(name), node(name))
    for (const name of ['mine', 'other']) await made(`${core}/secrets`, secret(name))
    const spec = (nodeName: string, secretName: string) => ({
      ...{ nodeName, containers: [{ name: 'main', image: 'nginx' }], volumes: [{ name: 'v', secret: { secretName } }] },
    })
    await made(`${core}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'on-a' }, spec: spec(a, 'mine') })
    await made(`${core}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'on-b' }, spec: spec(b, 'other') })
  })

  it('register themselves, not ready yet', async () => {
    const { body } = await api.call(node(a), 'GET', '/api/v1/nodes/a')
    assert.deepEqual(body.spec.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
    await forbidden(api.call(node(a), 'POST', '/api/v1/nodes', nodeDraft('c')), /node "a" is not allowed to modify node "c"/)
    await forbidden(
      api.call(node('d'), 'POST', '/api/v1/nodes', nodeDraft('d', { 'node-role.kubernetes.io/control-plane': '' })),
      /not allowed to set the following labels/,
    )
  })

  it('cannot take off their taints', async () => {
    const patch = api.call(node(a), 'PATCH', '/api/v1/nodes/a', { spec: { taints: [] } }, 'application/merge-patch+json')
    await forbidden(patch, /not allowed to modify taints/)
  })

  it('read what their Pods use, and no more', async () => {
    assert.equal((await api.call(node(a), 'GET', `${core}/secrets/mine`)).code, 200)
    await forbidden(api.call(node(a), 'GET', `${core}/secrets/other`), /no relationship found between node 'a' and this object/)
    await forbidden(api.call(node(a), 'GET', `${core}/secrets`))
    await forbidden(api.call(node(a), 'GET', '/api/v1/secrets'))
    await forbidden(api.call(node(a), 'PUT', `${core}/secrets/mine`, secret('mine')))
    assert.equal((await api.call(node(a), 'GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Da')).body.items.length, 1)
    await forbidden(api.call(node(a), 'GET', `${core}/pods/on-b`), /no relationship found/)
  })

  it('list Pods of other nodes only because kube-proxy enforces policies there', async () => {
    const all = () => api.call(node(a), 'GET', '/api/v1/pods')
    assert.equal((await all()).code, 200)
    await api.call(api.admin, 'DELETE', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/coxswain:network-policy')
    await forbidden(all(), /spec\.nodeName field selector/)
    await forbidden(api.call(node(a), 'GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Db'))
  })

  it('write the status of their own Pods, and nothing else of them', async () => {
    const patch = (path: string, body: object) => api.call(node(a), 'PATCH', path, body, 'application/merge-patch+json')
    assert.equal((await patch(`${core}/pods/on-a/status`, { status: { phase: 'Running' } })).code, 200)
    await forbidden(patch(`${core}/pods/on-b/status`, { status: { phase: 'Failed' } }), /spec\.nodeName set to itself/)
    await forbidden(patch(`${core}/pods/on-a`, { spec: { activeDeadlineSeconds: 1 } }))
    await forbidden(api.call(node(a), 'DELETE', `${core}/pods/on-b?gracePeriodSeconds=0`), /can only delete pods/)
    await forbidden(
      api.call(node(a), 'POST', `${core}/pods`, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'own' },
        spec: { nodeName: a, containers: [{ name: 'm', image: 'x' }] },
      }),
      /only create mirror pods/,
    )
  })

  it('lend tokens to their own Pods', async () => {
    const uidOf = async (name: string) => (await api.call(api.admin, 'GET', `${core}/pods/${name}`)).body.metadata.uid
    const ask = (by: Identity | Promise<Identity>, boundObjectRef?: object) =>
      api.call(by, 'POST', `${core}/serviceaccounts/default/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { boundObjectRef },
      })
    const bound = { apiVersion: 'v1', kind: 'Pod', name: 'on-a', uid: await uidOf('on-a') }
    assert.equal((await ask(node(a), bound)).code, 201)
    await forbidden(ask(node(a)), /not bound to a pod/)
    await forbidden(ask(node(a), { ...bound, name: 'on-b', uid: await uidOf('on-b') }), /scheduled on a different node/)
    await forbidden(ask(node('c'), bound))
  })

  it('keep their own lease', async () => {
    const lease = (name: string) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
      spec: { holderIdentity: name },
    })
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
    await made(leases, lease(a), node(a))
    await forbidden(api.call(node(a), 'POST', leases, lease(b)), /same name/)
    await forbidden(api.call(node(b), 'GET', `${leases}/a`))
    await forbidden(api.call(node(a), 'POST', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', lease(a)))
  })
})

describe('people', () => {
  const role = (name: string, verbs: string[], resources: string[]) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name },
    rules: [{ verbs, apiGroups: [''], resources }],
  })
  const binding = (name: string, roleRef: object, subject: object) => ({
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name } },
    ...{
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...roleRef },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', ...subject }],
    },
  })
  const inDefault = `${RBAC}/namespaces/default`

  it('may what a role says as soon as it is bound, and no longer than it is', async () => {
    await forbidden(api.call(user('jane'), 'GET', '/api/v1/namespaces/default/pods'))
    await made(`${inDefault}/roles`, role('reader', ['get', 'list'], ['pods']))
    await made(`${inDefault}/rolebindings`, binding('jane-reads', { kind: 'Role', name: 'reader' }, { kind: 'User', name: 'jane' }))
    assert.equal((await api.call(user('jane'), 'GET', '/api/v1/namespaces/default/pods')).code, 200)
    await forbidden(api.call(user('jane'), 'GET', '/api/v1/pods'), /at the cluster scope/)
    await forbidden(api.call(user('jane'), 'DELETE', '/api/v1/namespaces/default/pods/x'))
    const ask = (verb: string) =>
      api.call(user('jane'), 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
        spec: { resourceAttributes: { namespace: 'default', verb, resource: 'pods' } },
      })
    assert.equal((await ask('list')).body.status.allowed, true)
    assert.equal((await ask('delete')).body.status.allowed, false)
    assert.equal((await api.call(api.admin, 'DELETE', `${inDefault}/rolebindings/jane-reads`)).code, 200)
    await forbidden(api.call(user('jane'), 'GET', '/api/v1/namespaces/default/pods'))
  })

  it('hand out no more than they hold', async () => {
    await made(`${inDefault}/rolebindings`, binding('joe-admin', { kind: 'ClusterRole', name: 'admin' }, { kind: 'User', name: 'joe' }))
    const joe = user('joe')
    await made(`${inDefault}/roles`, role('ok', ['get'], ['pods']), joe)
    await forbidden(
      api.call(joe, 'POST', `${inDefault}/roles`, role('more', ['*'], ['nodes'])),
      /attempting to grant RBAC permissions not currently held/,
    )
    await forbidden(
      api.call(
        joe,
        'PATCH',
        `${inDefault}/roles/ok`,
        { rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] },
        'application/merge-patch+json',
      ),
      /not currently held/,
    )
    await forbidden(
      api.call(
        joe,
        'POST',
        `${inDefault}/rolebindings`,
        binding('up', { kind: 'ClusterRole', name: 'cluster-admin' }, { kind: 'User', name: 'joe' }),
      ),
      /not currently held/,
    )
    await made(`${inDefault}/rolebindings`, binding('lend', { kind: 'ClusterRole', name: 'view' }, { kind: 'User', name: 'jane' }), joe)
    await forbidden(api.call(joe, 'POST', `${RBAC}/clusterrolebindings`, {}), /cannot create resource "clusterrolebindings"/)
  })

  it('act as others when they may', async () => {
    const acting = async (by: Identity | Promise<Identity>, headers: Record<string, string | string[]>) =>
      api.call({ ...(await by), headers }, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'SelfSubjectReview',
      })
    const { body } = await acting(api.admin, { 'impersonate-user': 'eve', 'impersonate-group': ['x', 'y'] })
    assert.deepEqual([body.status.userInfo.username, body.status.userInfo.groups], ['eve', ['x', 'y', 'system:authenticated']])
    await forbidden(acting(user('jane'), { 'impersonate-user': 'kubernetes-admin' }), /User "jane" cannot impersonate resource "users"/)
    await forbidden(api.call({ ...api.admin, headers: { 'impersonate-user': 'eve' } }, 'GET', '/api/v1/secrets'), /User "eve" cannot list/)
    assert.equal((await acting(api.admin, { 'impersonate-group': 'x' })).code, 400)
  })
})
