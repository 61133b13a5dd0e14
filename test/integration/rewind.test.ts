import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, pod, serviceAccount } from '../harness/bodies.ts'
import { soon } from '../harness/soon.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const MERGE = { 'content-type': 'application/merge-patch+json' }

let api: TestApi
before(async () => {
  api = await startApi()
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
})
after(() => api.stop())

const ok = (answer: Answer, status = 200) => {
  assert.equal(answer.status, status, answer.text)
  return answer.json as { metadata: { resourceVersion: string }; items: { metadata: { name: string } }[]; data?: object; spec?: object }
}
const refused = (answer: Answer, status: number, pattern: RegExp) => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json['kind'], 'Status')
  assert.match(String(answer.json['message']), pattern)
}
const get = (path: string, user?: User) => api.request('GET', path, undefined, {}, user)
const revisionOf = async () => ok(await get(`${MAPS}?limit=1`)).metadata.resourceVersion
const names = (list: { items: { metadata: { name: string } }[] }) => list.items.map(({ metadata }) => metadata.name)

test('what was deleted is there at the moments before, and what came later is not', async () => {
  const { metadata } = ok(await api.request('POST', MAPS, configMap('gone', { data: { a: 'b' } })), 201)
  ok(await api.request('DELETE', `${MAPS}/gone`))
  const at = `/rewind/${metadata.resourceVersion}`
  assert.deepEqual(ok(await get(`${at}${MAPS}/gone`)).data, { a: 'b' })
  assert.equal((await get(`/rewind/${Number(metadata.resourceVersion) - 1}${MAPS}/gone`)).status, 404)
  assert.equal((await get(`/rewind/${await revisionOf()}${MAPS}/gone`)).status, 404)
  assert.equal(ok(await get(`${at}${MAPS}`)).metadata.resourceVersion, metadata.resourceVersion)
})

test('pages of the past are of one moment, and their tokens lead nowhere else', async () => {
  for (const name of ['p1', 'p2', 'p3'])
    ok(await api.request('POST', MAPS, configMap(name, { metadata: { name, labels: { page: 'yes' } } })), 201)
  const then = await revisionOf()
  ok(await api.request('DELETE', `${MAPS}/p2`))
  const first = ok(await get(`/rewind/${then}${MAPS}?labelSelector=page&limit=1`)) as { metadata: { continue?: string } } & Parameters<
    typeof names
  >[0]
  const rest = ok(await get(`/rewind/${then}${MAPS}?labelSelector=page&limit=5&continue=${first.metadata.continue}`))
  assert.deepEqual([...names(first), ...names(rest)], ['p1', 'p2', 'p3'])
  const ahead = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: Number(await revisionOf()), start: 'default/p1\u0000' })).toString(
    'base64url',
  )
  refused(await get(`/rewind/${then}${MAPS}?continue=${ahead}`), 504, /Too large resource version/)
  const loose = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: -1, start: 'default/p1\u0000' })).toString('base64url')
  assert.ok(names(ok(await get(`/rewind/${then}${MAPS}?continue=${loose}`))).includes('p2'))
  refused(await get(`/rewind/${then}${MAPS}?resourceVersion=${Number(then) + 1}`), 504, /Too large resource version/)
  const exact = ok(await get(`/rewind/${await revisionOf()}${MAPS}?labelSelector=page&resourceVersion=${then}&resourceVersionMatch=Exact`))
  assert.deepEqual(names(exact), ['p1', 'p2', 'p3'])
})

test('nothing can be changed there, watched or reached, and the answer names the cure', async () => {
  ok(await api.request('POST', PODS, pod('alive')), 201)
  const then = await revisionOf()
  const at = `/rewind/${then}`
  const cure = /send the request without \/rewind\/<moment>/
  for (const [method, path, body] of [
    ['POST', MAPS, configMap('new')],
    ['PUT', `${MAPS}/p1`, configMap('p1')],
    ['PATCH', `${MAPS}/p1`, {}],
    ['DELETE', `${MAPS}/p1`, undefined],
    ['DELETE', MAPS, undefined],
    ['DELETE', `${MAPS}/p1?dryRun=All`, undefined],
    ['GET', `${PODS}/alive/log`, undefined],
    ['GET', `${PODS}/alive/exec?command=ls`, undefined],
    ['GET', `${PODS}/alive/proxy/`, undefined],
    ['POST', `${PODS}/alive/eviction?dryRun=All`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'alive' } }],
    ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?dryRun=All', {}],
  ] as const) {
    refused(await api.request(method, `${at}${path}`, body, method === 'PATCH' ? MERGE : {}), 405, cure)
  }
  for (const path of [`${MAPS}?watch=true`, '/api/v1/watch/configmaps', `${MAPS}/p1?watch=1`])
    refused(await get(`${at}${path}`), 405, /nothing to watch.*\/rewind\/<moment>\/changes/)
  refused(await get(`${at}/apis/metrics.k8s.io/v1beta1/namespaces/default/pods`), 405, /measured when they are asked for/)
  assert.equal(await revisionOf(), then)
})

test('dry runs begin from what was, and store nothing', async () => {
  const made = ok(await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web', { replicas: 3 })), 201)
  ok(await api.request('DELETE', '/apis/apps/v1/namespaces/default/deployments/web'))
  const [now, at] = [await revisionOf(), `/rewind/${made.metadata.resourceVersion}/apis/apps/v1/namespaces/default/deployments`]
  const scaled = ok(await api.request('PATCH', `${at}/web?dryRun=All`, { spec: { paused: true } }, MERGE))
  assert.deepEqual([(scaled.spec as { replicas: number }).replicas, (scaled.spec as { paused: boolean }).paused], [3, true])
  assert.equal((await api.request('POST', `${at}?dryRun=All`, deployment('web'))).status, 409)
  ok(await api.request('POST', `${at}?dryRun=All`, deployment('other')), 201)
  const applied = await api.request('PATCH', `${at}/web?dryRun=All&fieldManager=me&force=true`, deployment('web', { replicas: 5 }), {
    'content-type': 'application/apply-patch+yaml',
  })
  assert.equal((ok(applied).spec as { replicas: number }).replicas, 5)
  assert.equal((ok(await get(`${at}/web/scale`)).spec as { replicas: number }).replicas, 3)
  assert.equal(await revisionOf(), now)
})

test('paths that trick lead nowhere', async () => {
  const now = await revisionOf()
  for (const path of [
    '/rewind//',
    `/rewind//${now}/api/v1/pods`,
    `/rewind/${now}//api/v1/pods`,
    `/rewind/${now}/rewind/${now}/api/v1/pods`,
    `/rewind/${now}/rewind`,
    `/rewind/${now}/healthz`,
    `/rewind/${now}/metrics`,
    `/rewind/${now}/../api/v1/pods`,
    `/rewind/${now}/%2e%2e/api/v1/pods`,
    `/rewind/${now}%2fapi/v1/pods`,
    `/rewind%2f${now}/api/v1/pods`,
    `/%72ewind/${now}/api/v1/pods`,
    `/rewind/${now}/%61pi/v1/pods`,
    `/rewind/./api/v1/pods`,
    `/REWIND/${now}/api/v1/pods`,
    `/rewind/${now}/apis/nothing.example.com/v1/things`,
  ])
    assert.equal((await get(path)).status, 404, path)
  for (const moment of [
    'abc',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '%20',
    '9'.repeat(17),
    '9'.repeat(400),
    '2026-01-01',
    '2026-13-45T00:00:00Z',
    'now',
  ])
    refused(await get(`/rewind/${moment}/api/v1/pods`), 400, /is no moment: give a revision/)
  refused(await get(`/rewind/${Number(now) + 1}/api/v1/pods`), 400, /lies ahead: the newest one is/)
  refused(await get('/rewind/2999-01-01T00:00:00Z/api/v1/pods'), 400, /lies ahead/)
  refused(await get('/rewind/0/api/v1/pods'), 410, /is forgotten: the oldest moment that is there is revision 1, /)
  refused(await get('/rewind/1999-01-01T00:00:00Z/api/v1/pods'), 410, /is forgotten/)
})

test('rights are those of now, on each object', async () => {
  const someone: User = { name: 'someone', groups: ['system:authenticated'] }
  const nobody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'old' }, stringData: { a: 'b' } }
  const { metadata } = ok(await api.request('POST', '/api/v1/namespaces/default/secrets', secret), 201)
  const RBAC = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
  const [role, binding] = [
    { metadata: { name: 'one' }, rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['old'], verbs: ['get'] }] },
    { metadata: { name: 'one' }, roleRef: { apiGroup: '', kind: 'Role', name: 'one' }, subjects: [{ kind: 'User', name: 'someone' }] },
  ]
  const at = `/rewind/${metadata.resourceVersion}/api/v1/namespaces/default/secrets`
  refused(await get(`${at}/old`, someone), 403, /User "someone" cannot get resource "secrets"/)
  ok(await api.request('POST', `${RBAC}/roles`, role), 201)
  ok(await api.request('POST', `${RBAC}/rolebindings`, binding), 201)
  // Given today, they hold for a moment at which they were not given; taken away, not even for one at which they were.
  ok(await get(`${at}/old`, someone))
  refused(await get(at, someone), 403, /cannot list resource "secrets"/)
  refused(await get(`${at}/other`, someone), 403, /cannot get/)
  const given = await revisionOf()
  ok(await api.request('DELETE', `${RBAC}/rolebindings/one`))
  const gone = `/rewind/${given}/api/v1/namespaces/default/secrets/old`
  await soon(async () => refused(await get(gone, someone), 403, /cannot get/))
  ok(await get('/rewind', someone))
  ok(await get(`/rewind/${given}/api`, someone))
  for (const path of ['/rewind', `/rewind/${given}/apis`, `/rewind/${given}/api/v1/pods`, '/rewind/abc/api/v1/pods']) {
    assert.equal((await get(path, nobody)).status, 403, path)
  }
})

test('what is kept no longer is said to be forgotten, whoever reads on', async (context) => {
  let time = Date.UTC(2030, 0, 1)
  const looks: (() => void)[] = []
  const clock = {
    ...realClock(),
    now: () => time,
    // The compactor is the only one that sleeps here: a test says when it looks.
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        looks.push(resolve)
        signal?.addEventListener('abort', () => resolve())
      }),
  }
  const own = await startApi({ clock, args: ['--history-retention', '1h'] }, context)
  const { metadata } = ok(await own.request('POST', MAPS, configMap('early')), 201)
  const early = new Date(time).toISOString()
  time += 30 * 60_000
  const later = ok(await own.request('POST', MAPS, configMap('later')), 201).metadata.resourceVersion
  const look = async () => {
    await soon(() => assert.ok(looks.length > 0))
    for (const begin of looks.splice(0)) begin()
    await soon(() => assert.ok(looks.length > 0))
  }
  await look()
  time += 20 * 60_000
  ok(await own.request('POST', MAPS, configMap('more')), 201)
  await look()
  // Longer than clients may name revisions, not longer than history is kept.
  ok(await own.request('GET', `/rewind/${metadata.resourceVersion}${MAPS}/early`))
  time += 50 * 60_000
  ok(await own.request('POST', MAPS, configMap('latest')), 201)
  await look()
  const oldest = `the oldest moment that is there is revision \\d+, 2030-01-01T00:50:00`
  await soon(async () => refused(await own.request('GET', `/rewind/${metadata.resourceVersion}${MAPS}`), 410, new RegExp(oldest)))
  refused(
    await own.request('GET', `/rewind/${early}${MAPS}/early`),
    410,
    new RegExp(`${early} is forgotten: ${oldest}.*--history-retention`),
  )
  ok(await own.request('GET', `/rewind/${later}${MAPS}/early`))
  const history = (await own.request('GET', '/rewind')).json as { oldest: { revision: string; time: string } }
  assert.ok(Number(history.oldest.revision) > Number(metadata.resourceVersion) && history.oldest.time.startsWith('2030-01-01T00:50'))
})

interface ChangeList {
  continue?: string
  items: {
    revision: string
    type: string
    resource: string
    namespace?: string
    name: string
    by?: { manager: string; operation: string }
    fields?: { path: string; before?: unknown; after?: unknown }[]
  }[]
}

test('what changed between two moments is told, by whom, and what in it', async () => {
  const from = await revisionOf()
  const place = `${MAPS}/told`
  ok(await api.request('POST', `${MAPS}?fieldManager=maker`, configMap('told', { data: { a: '1', keep: 'k' } })), 201)
  ok(
    await api.request(
      'PATCH',
      `${place}?fieldManager=editor`,
      { data: { a: '2', 'odd.key': 'new' }, metadata: { labels: { x: 'y' } } },
      MERGE,
    ),
  )
  ok(await api.request('DELETE', place))
  const to = await revisionOf()
  ok(await api.request('POST', MAPS, configMap('afterwards')), 201)
  const changes = async (query: string) => ok(await get(`/rewind/${from}/changes?${query}`)) as unknown as ChangeList
  const { items } = await changes(`to=${to}&resource=configmaps&namespace=default`)
  assert.deepEqual(
    items.map(({ type, name, by, fields }) => ({ type, name, by, fields })),
    [
      { type: 'created', name: 'told', by: { manager: 'maker', operation: 'Update' }, fields: undefined },
      {
        ...{ type: 'changed', name: 'told', by: { manager: 'editor', operation: 'Update' } },
        fields: [
          { path: 'metadata.labels', after: { x: 'y' } },
          { path: 'data.a', before: '1', after: '2' },
          { path: 'data["odd.key"]', after: 'new' },
        ],
      },
      { type: 'deleted', name: 'told', by: undefined, fields: undefined },
    ],
  )
  assert.ok((await changes('resource=configmaps')).items.some(({ name }) => name === 'afterwards'))
  assert.deepEqual((await changes(`to=${to}&resource=configmaps&name=other`)).items, [])
  const paged: string[] = []
  for (let token = ''; ; ) {
    const page: ChangeList = await changes(`to=${to}&resource=configmaps&limit=1${token && `&continue=${token}`}`)
    paged.push(...page.items.map(({ revision }) => revision))
    if (page.continue === undefined) break
    token = page.continue
  }
  assert.deepEqual(
    paged,
    items.map(({ revision }) => revision),
  )
  refused(await get(`/rewind/${to}/changes?to=${from}`), 400, /put the earlier moment into the path/)
  refused(await get(`/rewind/${from}/changes?to=abc`), 400, /is no moment/)
  refused(await get(`/rewind/${from}/changes?limit=0`), 400, /limit: give a number/)
  refused(await get(`/rewind/${from}/changes?continue=1`), 400, /continue: give what the answer before said/)
  refused(await get(`/rewind/${from}/changes?resource=.`), 400, /resource is the plural of a kind/)
  refused(await get('/rewind/0/changes'), 410, /is forgotten/)
  assert.equal((await api.request('POST', `/rewind/${from}/changes`, {})).status, 405)
})

test('changes of what somebody may not get are not told, and nobody unknown is told any', async () => {
  const from = await revisionOf()
  const RBAC = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
  const rules = [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['shown'], verbs: ['get'] }]
  const roleRef = { apiGroup: '', kind: 'Role', name: 'shown' }
  ok(await api.request('POST', `${RBAC}/roles`, { metadata: { name: 'shown' }, rules }), 201)
  ok(
    await api.request('POST', `${RBAC}/rolebindings`, { metadata: { name: 'shown' }, roleRef, subjects: [{ kind: 'User', name: 'half' }] }),
    201,
  )
  for (const name of ['shown', 'hidden']) ok(await api.request('POST', MAPS, configMap(name)), 201)
  const half: User = { name: 'half', groups: ['system:authenticated'] }
  await soon(async () => {
    const { items } = ok(await get(`/rewind/${from}/changes`, half)) as unknown as ChangeList
    assert.deepEqual(
      items.map(({ resource, name }) => `${resource}/${name}`),
      ['configmaps/shown'],
    )
  })
  assert.equal((await get(`/rewind/${from}/changes`, { name: 'system:anonymous', groups: ['system:unauthenticated'] })).status, 403)
})
