import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { admin, startApi, type TestApi } from '../harness/api.ts'
import { type AuditScene, auditScene } from '../harness/audited-api.ts'
import { configMap, pod, serviceAccount } from '../harness/bodies.ts'
import { soon } from '../harness/soon.ts'

const jane: User = { name: 'jane', uid: 'j', groups: ['system:authenticated'], extra: { team: ['a'] } }
const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const policy = {
  omitStages: [],
  rules: [
    { level: 'None', nonResourceURLs: ['/healthz*'] },
    { level: 'Metadata', resources: [{ group: '', resources: ['secrets', 'serviceaccounts/token'] }] },
    { level: 'Request', namespaces: ['asked'], omitManagedFields: true },
    { level: 'RequestResponse', namespaces: ['default'], resources: [{ group: '', resources: ['configmaps'] }], omitManagedFields: true },
    { level: 'RequestResponse', resources: [{ group: '', resources: ['pods'] }] },
    { level: 'Metadata', omitStages: ['RequestReceived'] },
  ],
}

let api: TestApi
let scene: AuditScene
const undo: (() => unknown)[] = []
before(async () => {
  scene = auditScene({ after: (end) => undo.push(end) }, policy, { listen: true })
  api = await startApi(scene.options)
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'asked' } })
  for (const namespace of ['default', 'asked']) {
    await api.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, serviceAccount('default'))
  }
})
after(async () => {
  await api.stop()
  for (const end of undo) end()
})

/** Sends a request under a name and answers what was written about it. */
async function audited(id: string, count: number, method: string, path: string, { body, headers = {}, user }: Sent = {}) {
  const answer = await api.request(method, path, body, { 'audit-id': id, ...headers }, user ?? admin)
  const events = await scene.of(id, count)
  return { answer, events, last: events.at(-1) }
}
interface Sent {
  body?: unknown
  headers?: Record<string, string>
  user?: User
}

test('a write is told when it comes and when it is over, with who, what, from where and why', async () => {
  const { answer, events, last } = await audited('create-1', 2, 'POST', `${MAPS}?fieldManager=me`, {
    body: configMap('one', { data: { a: '1' } }),
  })
  assert.equal(answer.status, 201)
  assert.equal(answer.header('audit-id'), 'create-1')
  assert.deepEqual(
    events.map(({ stage }) => stage),
    ['RequestReceived', 'ResponseComplete'],
  )
  const [first] = events
  assert.deepEqual(
    { ...first, requestReceivedTimestamp: '', stageTimestamp: '' },
    {
      ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', auditID: 'create-1', stage: 'RequestReceived' },
      ...{ requestURI: `${MAPS}?fieldManager=me`, verb: 'create', sourceIPs: ['127.0.0.1'] },
      user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
      objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' },
      ...{ requestReceivedTimestamp: '', stageTimestamp: '' },
    },
  )
  for (const time of [first.requestReceivedTimestamp, first.stageTimestamp]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.deepEqual(last.objectRef, { resource: 'configmaps', namespace: 'default', name: 'one', apiVersion: 'v1' })
  assert.deepEqual(last.responseStatus, { metadata: {}, code: 201 })
  assert.deepEqual(last.annotations, { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' })
  assert.deepEqual(last.requestObject.data, { a: '1' })
  assert.equal(last.responseObject.metadata.name, 'one')
  assert.ok(last.responseObject.metadata.uid)
  assert.equal(last.responseObject.metadata.managedFields, undefined)
})

test('each level writes down what it says and no more', async () => {
  const secret = await audited('secret-1', 2, 'POST', '/api/v1/namespaces/default/secrets', {
    body: { metadata: { name: 'hidden' }, stringData: { password: 'open sesame' } },
  })
  assert.equal(secret.answer.status, 201)
  assert.equal(secret.last.objectRef.name, 'hidden')
  const asked = await audited('asked-1', 2, 'POST', '/api/v1/namespaces/asked/configmaps', {
    body: configMap('one', { data: { a: 'told' } }),
  })
  assert.deepEqual([asked.last.level, asked.last.requestObject.data, asked.last.responseObject], ['Request', { a: 'told' }, undefined])
  await api.request('GET', '/healthz/ping', undefined, { 'audit-id': 'none-1' })
  const plain = await audited('plain-1', 1, 'GET', '/version')
  assert.deepEqual([plain.last.verb, plain.last.objectRef, plain.last.requestURI], ['get', undefined, '/version'])
  const text = readFileSync(scene.path, 'utf8')
  assert.doesNotMatch(text, /open sesame|b3BlbiBzZXNhbWU|none-1/)
  await soon(async () => {
    const metrics = (await api.request('GET', '/metrics')).text
    assert.match(metrics, /apiserver_audit_level_total\{level="None"\} [1-9]/)
    assert.match(metrics, /apiserver_audit_level_total\{level="RequestResponse"\} [1-9]/)
    assert.match(metrics, /apiserver_audit_event_total [1-9]/)
  })
})

test('a read, a change, an apply and a delete are told as what was sent and answered', async () => {
  await api.request('POST', MAPS, configMap('two', { data: { a: '1' } }))
  const read = await audited('get-1', 2, 'GET', `${MAPS}/two`)
  assert.deepEqual([read.last.requestObject, read.last.responseObject.data], [undefined, { a: '1' }])
  const list = await audited('list-1', 2, 'GET', `${MAPS}?limit=500`, { headers: { accept: 'application/yaml' } })
  assert.equal(list.last.verb, 'list')
  assert.ok(list.last.responseObject.items.some(({ metadata }: { metadata: { name: string } }) => metadata.name === 'two'))
  for (const [id, accept] of [
    ['table', 'application/json;as=Table;v=v1;g=meta.k8s.io'],
    ['protobuf', 'application/vnd.kubernetes.protobuf'],
  ] as const) {
    const shown = await audited(`list-${id}`, 2, 'GET', MAPS, { headers: { accept } })
    assert.equal(shown.answer.status, 200)
    assert.equal(shown.last.responseObject.kind, id === 'table' ? 'Table' : 'ConfigMapList')
    const one = await audited(`get-${id}`, 2, 'GET', `${MAPS}/two`, { headers: { accept } })
    assert.equal(one.last.responseObject.kind, id === 'table' ? 'Table' : 'ConfigMap')
  }
  const patch = await audited('patch-1', 2, 'PATCH', `${MAPS}/two`, {
    ...{ body: { data: { b: '2' } }, headers: { 'content-type': 'application/merge-patch+json' } },
  })
  assert.deepEqual([patch.last.requestObject, patch.last.responseObject.data], [{ data: { b: '2' } }, { a: '1', b: '2' }])
  const applied = await audited('apply-1', 2, 'PATCH', `${MAPS}/two?fieldManager=me`, {
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {c: "3"}\n',
    headers: { 'content-type': 'application/apply-patch+yaml' },
  })
  assert.equal(applied.answer.status, 200)
  assert.deepEqual(applied.last.requestObject.data, { c: '3' })
  const stale = await audited('put-1', 2, 'PUT', `${MAPS}/two`, {
    body: { ...configMap('two'), metadata: { name: 'two', resourceVersion: '1' } },
  })
  assert.deepEqual(
    [stale.last.responseStatus.code, stale.last.responseStatus.reason, stale.last.responseStatus.status],
    [409, 'Conflict', 'Failure'],
  )
  assert.equal(stale.last.objectRef.resourceVersion, '1')
  assert.equal(stale.last.responseObject.kind, 'Status')
  const gone = await audited('delete-1', 2, 'DELETE', `${MAPS}/two`, {
    body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 },
  })
  assert.equal(gone.last.requestObject.gracePeriodSeconds, 0)
  assert.deepEqual(
    [gone.last.responseStatus.status, gone.last.responseStatus.code, gone.last.responseStatus.details.name],
    ['Success', 200, 'two'],
  )
  const missing = await audited('get-2', 2, 'GET', `${MAPS}/two`)
  assert.deepEqual(missing.last.responseStatus, {
    ...{ metadata: {}, status: 'Failure', message: 'configmaps "two" not found', reason: 'NotFound' },
    ...{ details: { name: 'two', kind: 'configmaps' }, code: 404 },
  })
})

test('a refusal, an impersonation and a stranger are told', async () => {
  const refused = await audited('refused-1', 2, 'GET', MAPS, { user: jane })
  assert.equal(refused.answer.status, 403)
  assert.equal(refused.answer.header('audit-id'), 'refused-1')
  assert.equal(refused.last.annotations['authorization.k8s.io/decision'], 'forbid')
  assert.deepEqual(refused.last.user, { username: 'jane', uid: 'j', groups: ['system:authenticated'], extra: { team: ['a'] } })
  assert.equal(refused.last.responseStatus.reason, 'Forbidden')
  const as = {
    'impersonate-user': 'bob',
    'impersonate-group': 'system:masters',
    'user-agent': `x${'y'.repeat(3000)}`,
    'x-forwarded-for': '10.1.2.3, nobody',
  }
  const other = await audited('other-1', 2, 'GET', `${MAPS}/none`, { headers: as })
  assert.equal(other.last.user.username, 'kubernetes-admin')
  assert.deepEqual(other.last.impersonatedUser, { username: 'bob', groups: ['system:masters', 'system:authenticated'] })
  assert.deepEqual(other.last.sourceIPs, ['10.1.2.3', '127.0.0.1'])
  assert.equal(other.last.userAgent.length, 1024 + '...TRUNCATED'.length)
  const mayNot = await audited('other-2', 2, 'GET', MAPS, { user: jane, headers: { 'impersonate-user': 'bob' } })
  assert.deepEqual([mayNot.answer.status, mayNot.last.impersonatedUser, mayNot.last.responseStatus.code], [403, undefined, 403])
  const stranger = await audited('stranger-1', 1, 'GET', '/version', { headers: { authorization: 'Bearer not-a-token' } })
  assert.equal(stranger.answer.status, 401)
  assert.deepEqual([stranger.last.stage, stranger.last.user], ['ResponseStarted', {}])
  assert.deepEqual(stranger.last.responseStatus, { metadata: {}, message: 'Authentication failed, attempted: bearer', code: 401 })
  assert.doesNotMatch(readFileSync(scene.path, 'utf8'), /not-a-token/)
})

/** Over TLS, without credentials. */
function anonymously(path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(new URL(path, api.server.url), {
      ca: api.server.credentials.authority,
      headers,
      agent: false,
      servername: 'localhost',
    })
    asked.on('response', (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('who shows nothing is anonymous', async () => {
  assert.equal(await anonymously('/version', { 'audit-id': 'nobody-1' }), 200)
  assert.equal(await anonymously('/api/v1/nodes', { 'audit-id': 'nobody-2' }), 403)
  const [version] = await scene.of('nobody-1', 1)
  assert.deepEqual(version.user, { username: 'system:anonymous', groups: ['system:unauthenticated'] })
  assert.match(version.annotations['authorization.k8s.io/reason'], /^RBAC: allowed by ClusterRoleBinding "system:public-info-viewer"/)
  const [nodes] = await scene.of('nobody-2', 1)
  assert.equal(nodes.responseStatus.code, 403)
})

test('a request that names itself badly gets a name', async () => {
  const answer = await api.request('GET', '/version', undefined, { 'audit-id': 'a b"\u0001' })
  assert.match(String(answer.header('audit-id')), /^[0-9a-f-]{36}$/)
  await scene.of(String(answer.header('audit-id')), 1)
})

test('a watch is told when it begins and when it ends, and never what it brought', async () => {
  const ended = new AbortController()
  const asked = { method: 'GET', path: `${PODS}?watch=true`, headers: { 'audit-id': 'watch-1' }, signal: ended.signal, body: undefined }
  const watch = await api.transport().send(asked)
  const begun = await scene.of('watch-1', 2)
  assert.deepEqual(
    begun.map(({ stage }) => stage),
    ['RequestReceived', 'ResponseStarted'],
  )
  assert.equal(begun[1].responseStatus.code, 200)
  await api.request('POST', PODS, pod('seen'))
  for await (const chunk of watch.chunks()) {
    assert.match(Buffer.from(chunk).toString(), /"seen"/)
    break
  }
  ended.abort()
  const all = await scene.of('watch-1', 3)
  assert.deepEqual([all[2].stage, all[2].responseStatus.code, all[2].responseObject], ['ResponseComplete', 200, undefined])
})

test('a session is long-running, also where it is refused', async () => {
  const { answer, events } = await audited('exec-1', 2, 'POST', `${PODS}/seen/exec?command=ls&stdout=true`)
  assert.equal(answer.status, 400)
  assert.deepEqual(
    events.map(({ stage, verb, objectRef, responseStatus }) => [stage, verb, objectRef.subresource, responseStatus.code]),
    [
      ['ResponseStarted', 'create', 'exec', 400],
      ['ResponseComplete', 'create', 'exec', 400],
    ],
  )
})

test('large answers are not kept, and the event says so', async () => {
  const large = 'x'.repeat(700_000)
  for (const name of ['large-1', 'large-2']) await api.request('POST', MAPS, configMap(name, { data: { large } }))
  const { answer, last } = await audited('large-1', 2, 'GET', MAPS)
  assert.equal(answer.status, 200)
  assert.deepEqual([last.responseObject, last.annotations['audit.k8s.io/truncated']], [undefined, 'true'])
  for (const name of ['large-1', 'large-2']) await api.request('DELETE', `${MAPS}/${name}`)
})
