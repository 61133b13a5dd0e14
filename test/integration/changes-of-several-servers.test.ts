import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import type { Answer, TestApi } from '../harness/api.ts'
import { configMap, pod } from '../harness/bodies.ts'
import { backupDefinition } from '../harness/custom-definitions.ts'
import { type PrivateEtcd, privateEtcd } from '../harness/private-etcd.ts'
import { serversOverEtcd } from '../harness/servers-over-etcd.ts'

/** What is changed at one server is seen at the others: at once where a refusal would rest on it, in any case within a second. */

let etcd: PrivateEtcd
before(async () => {
  etcd = await privateEtcd()
})
after(() => etcd?.dispose())

const MAPS = '/api/v1/namespaces/default/configmaps'
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const POLICIES = '/apis/admissionregistration.k8s.io/v1'

async function two(t: TestContext): Promise<[TestApi, TestApi]> {
  const { servers } = await serversOverEtcd(t, etcd, 2)
  return [servers[0]!, servers[1]!]
}

async function made(answer: Promise<Answer>): Promise<Answer> {
  const { status, text } = await answer
  assert.ok(status === 200 || status === 201, text)
  return answer
}

/** @throws what it threw last, after a second */
async function withinASecond(assertion: () => Promise<void>): Promise<void> {
  const late = performance.now() + 1_000
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() > late) throw error
    }
  }
}

test('what a client was told of at one server it never misses at another', async (t) => {
  const [here, there] = await two(t)
  for (let round = 0; round < 30; round++) {
    const name = `round-${round}`
    const { json } = await made(here.request('POST', MAPS, configMap(name)))
    const { resourceVersion } = json['metadata'] as { resourceVersion: string }
    assert.equal((await there.request('GET', `${MAPS}/${name}`)).status, 200)
    const listed = await there.request('GET', `${MAPS}?resourceVersion=${resourceVersion}`)
    assert.ok(listed.text.includes(`"${name}"`), 'a list that is no older than what was seen')
    assert.equal((await there.request('DELETE', `${MAPS}/${name}`)).status, 200)
    assert.equal((await here.request('GET', `${MAPS}/${name}`)).status, 404)
    if (round > 0) continue
    const watched = await here.request('GET', `${MAPS}?watch=1&timeoutSeconds=1&resourceVersion=${resourceVersion}`)
    assert.match(watched.text, /^[^\n]*"DELETED"[^\n]*"round-0"/)
  }
})

test('rights that were given at one server hold at the other at once, and those that were taken do not a second later', async (t) => {
  const [here, there] = await two(t)
  const reader: User = { name: 'reader', groups: ['system:authenticated'] }
  const read = (server: TestApi) => server.request('GET', MAPS, undefined, {}, reader)
  assert.equal((await read(there)).status, 403)
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]
  await made(
    here.request('POST', `${RBAC}/clusterroles`, {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' },
      metadata: { name: 'lists' },
      rules,
    }),
  )
  const binding = {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'lists' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'lists' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
  }
  for (let round = 0; round < 10; round++) {
    await made(here.request('POST', `${RBAC}/clusterrolebindings`, binding))
    assert.equal((await read(there)).status, 200)
    await made(here.request('DELETE', `${RBAC}/clusterrolebindings/lists`))
    await withinASecond(async () => assert.equal((await read(there)).status, 403))
  }
})

test('a token of a service account is nobody’s at every server when its account or its pod is gone', async (t) => {
  const [here, there] = await two(t)
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  // An account that was just made at one server is there for the other's tokens.
  for (let round = 0; round < 30; round++) {
    await made(here.request('POST', accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: `robot-${round}` } }))
    await made(there.request('POST', `${accounts}/robot-${round}/token`, request))
  }
  await made(here.request('POST', accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } }))
  const { json } = await made(there.request('POST', `${accounts}/robot/token`, request))
  const { token } = json['status'] as { token: string }
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
  const isKnown = async (server: TestApi) => {
    const answer = await server.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)
    return (answer.json['status'] as { authenticated?: boolean }).authenticated ?? false
  }
  assert.deepEqual([await isKnown(here), await isKnown(there)], [true, true])
  await made(here.request('DELETE', `${accounts}/robot`))
  await withinASecond(async () => assert.deepEqual([await isKnown(here), await isKnown(there)], [false, false]))
})

test('a namespace and an account that were just made at one server are there for the other’s admission', async (t) => {
  const [here, there] = await two(t)
  for (let round = 0; round < 20; round++) {
    const name = `fresh-${round}`
    await made(here.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } }
    await made(there.request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, account))
    const body = pod('robot')
    await made(here.request('POST', `/api/v1/namespaces/${name}/pods`, { ...body, spec: { ...body.spec, serviceAccountName: 'robot' } }))
  }
})

test('a definition that one server took is served, and a removed one is not, by the other within a second', async (t) => {
  const [here, there] = await two(t)
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await made(here.request('POST', definitions, backupDefinition('example.com')))
  const backup = { apiVersion: 'example.com/v1', kind: 'Backup', metadata: { name: 'nightly' }, spec: { timetable: '0 3 * * *' } }
  const backups = '/apis/example.com/v1/namespaces/default/backups'
  await withinASecond(async () => assert.equal((await there.request('POST', backups, backup)).status, 201))
  assert.equal((await here.request('GET', `${backups}/nightly`)).status, 200)
  await made(there.request('DELETE', `${definitions}/backups.example.com`))
  for (const server of [here, there]) await withinASecond(async () => assert.equal((await server.request('GET', backups)).status, 404))
})

test('webhooks and policies of one server are asked by the other within a second, and not when they are gone', async (t) => {
  const [here, there] = await two(t)
  const create = (server: TestApi) => server.request('POST', `${MAPS}?dryRun=All`, configMap('trial'))
  const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }
  const webhook = {
    ...{ name: 'nobody.example.com', rules: [rule], failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] },
    clientConfig: { url: 'https://192.0.2.1:1/' },
    timeoutSeconds: 1,
  }
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'nobody' },
    webhooks: [webhook],
  }
  await made(here.request('POST', `${POLICIES}/validatingwebhookconfigurations`, configuration))
  await withinASecond(async () => assert.match((await create(there)).text, /failed calling webhook .*nobody\.example\.com/))
  await made(there.request('DELETE', `${POLICIES}/validatingwebhookconfigurations/nobody`))
  await withinASecond(async () => assert.equal((await create(here)).status, 201))

  const spec = { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'false' }] }
  await made(
    here.request('POST', `${POLICIES}/validatingadmissionpolicies`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'never' },
      spec,
    }),
  )
  const binding = { policyName: 'never', validationActions: ['Deny'] }
  await made(
    there.request('POST', `${POLICIES}/validatingadmissionpolicybindings`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'never' },
      spec: binding,
    }),
  )
  for (const server of [here, there]) await withinASecond(async () => assert.equal((await create(server)).status, 422))
  await made(here.request('DELETE', `${POLICIES}/validatingadmissionpolicybindings/never`))
  for (const server of [here, there]) await withinASecond(async () => assert.equal((await create(server)).status, 201))
})

test('a quota is one for all servers: what they give together is never more', async (t) => {
  const { servers } = await serversOverEtcd(t, etcd, 3)
  const quotas = '/api/v1/namespaces/default/resourcequotas'
  const hard = { 'count/configmaps': '20' }
  await made(servers[0]!.request('POST', quotas, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' }, spec: { hard } }))
  const used = { 'count/configmaps': '0' }
  await made(
    servers[1]!.request('PATCH', `${quotas}/few/status`, { status: { hard, used } }, { 'content-type': 'application/merge-patch+json' }),
  )
  for (const server of servers) await made(server.request('GET', `${quotas}/few`))
  const answers = await Promise.all(
    servers.flatMap((server, s) => Array.from({ length: 20 }, (_, n) => server.request('POST', MAPS, configMap(`q-${s}-${n}`)))),
  )
  const given = answers.filter(({ status }) => status === 201).length
  assert.ok(given > 0 && given <= 20, `${given} were given`)
  for (const { status, text } of answers) if (status !== 201) assert.match(text, /exceeded quota: few/)
})
