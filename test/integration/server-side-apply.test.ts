import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { realClock } from '../../shared/time/clock.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, serviceAccount } from '../harness/bodies.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const SERVICES = '/api/v1/namespaces/default/services'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const APPLY = { 'content-type': 'application/apply-patch+yaml' }
const MERGE = { 'content-type': 'application/merge-patch+json' }

interface Entry {
  manager: string
  operation: string
  subresource?: string
  fieldsV1: Record<string, unknown>
}

let api: TestApi
/** Milliseconds by which the server's clock is ahead. */
let later = 0
before(async () => {
  const clock = realClock()
  api = await startApi({ clock: { ...clock, now: () => clock.now() + later } })
  assert.equal((await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))).status, 201)
})
after(() => api.stop())

const apply = (path: string, manager: string, config: object | string, query = '') =>
  api.request('PATCH', `${path}?fieldManager=${manager}${query}`, config, APPLY)
const fine = (answer: Answer, status = 200): Record<string, unknown> => {
  assert.equal(answer.status, status, answer.text)
  return answer.json
}
const ownersOf = (answer: Answer): Record<string, unknown> => {
  const { managedFields = [] } = answer.json['metadata'] as { managedFields?: Entry[] }
  return Object.fromEntries(
    managedFields.map(({ manager, operation, subresource, fieldsV1 }) => [
      `${manager} ${operation}${subresource ? ` ${subresource}` : ''}`,
      fieldsV1,
    ]),
  )
}
const refusal = (answer: Answer, status: number): { message: string; reason: string; details?: { causes?: object[] } } => {
  assert.equal(answer.status, status, answer.text)
  return answer.json as ReturnType<typeof refusal>
}
const web = (replicas: number | undefined, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx', ...more }] } },
  },
})
const map = (name: string, data: Record<string, string> | undefined, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  ...(data ? { data } : {}),
})

test('what is not there is made, and the applier owns what it stated and nothing else', async () => {
  const made = await apply(`${DEPLOYMENTS}/web`, 'alice', web(2))
  fine(made, 201)
  assert.deepEqual(ownersOf(made), {
    'alice Apply': {
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
        },
      },
    },
  })
  const again = await apply(`${DEPLOYMENTS}/web`, 'alice', web(2))
  assert.deepEqual(fine(again), made.json, 'the same again changes nothing')
})

test('a field of somebody else with another value is a conflict, in the words that kubectl prints; force takes it', async () => {
  const refused = refusal(await apply(`${DEPLOYMENTS}/web`, 'bob', web(3)), 409)
  assert.equal(refused.message, 'Apply failed with 1 conflict: conflict with "alice": .spec.replicas')
  assert.equal(refused.reason, 'Conflict')
  assert.deepEqual(refused.details, {
    causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "alice"', field: '.spec.replicas' }],
  })
  const more = refusal(await apply(`${DEPLOYMENTS}/web`, 'bob', web(3, { image: 'apache' })), 409)
  assert.equal(
    more.message,
    'Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.replicas\n- .spec.template.spec.containers[name="main"].image',
  )
  const forced = await apply(`${DEPLOYMENTS}/web`, 'bob', web(3), '&force=true')
  assert.equal((fine(forced)['spec'] as { replicas: number }).replicas, 3)
  const owners = ownersOf(forced) as Record<string, { 'f:spec': object }>
  assert.ok(!Object.hasOwn(owners['alice Apply']!['f:spec'], 'f:replicas'))
  assert.ok(Object.hasOwn(owners['bob Apply']!['f:spec'], 'f:replicas'))
})

test('an updater is named with its version, and a scaler with its sub-resource', async () => {
  await api.request('POST', DEPLOYMENTS, deployment('scaled'), { 'user-agent': 'maker/1' })
  await api.request('PATCH', `${DEPLOYMENTS}/scaled/scale`, { spec: { replicas: 5 } }, { ...MERGE, 'user-agent': 'kubectl/1' })
  const config = { ...deployment('scaled'), spec: { replicas: 1, minReadySeconds: 3 } }
  const refused = refusal(await apply(`${DEPLOYMENTS}/scaled`, 'me', config), 409)
  assert.equal(
    refused.message,
    'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
  )
  const agreed = await apply(`${DEPLOYMENTS}/scaled`, 'me', { ...config, spec: { replicas: 5 } })
  fine(agreed)
  assert.deepEqual(ownersOf(agreed)['me Apply'], { 'f:spec': { 'f:replicas': {} } }, 'who wants the same shares the field')
})

test('who applies the same again writes nothing, also when somebody else has applied since', async () => {
  fine(await apply(`${MAPS}/again`, 'one', map('again', { a: '1' })), 201)
  later += 5_000
  const before = fine(await apply(`${MAPS}/again`, 'two', map('again', { b: '1' })))
  later += 5_000
  assert.deepEqual(fine(await apply(`${MAPS}/again`, 'one', map('again', { a: '1' }))), before)
})

test('what is stated no more goes, where nobody else has it', async () => {
  fine(await apply(`${MAPS}/shrinks`, 'one', map('shrinks', { a: '1', b: '1', c: '1' }, { labels: { x: 'y' } })), 201)
  fine(await apply(`${MAPS}/shrinks`, 'two', map('shrinks', { b: '1' })))
  fine(await api.request('PATCH', `${MAPS}/shrinks`, { data: { d: '1' } }, { ...MERGE, 'user-agent': 'updater/1' }))
  const less = await apply(`${MAPS}/shrinks`, 'one', map('shrinks', { a: '1' }))
  assert.deepEqual(fine(less)['data'], { a: '1', b: '1', d: '1' })
  assert.equal((less.json['metadata'] as { labels?: object }).labels, undefined)
  assert.deepEqual(ownersOf(less), {
    'one Apply': { 'f:data': { 'f:a': {} } },
    'two Apply': { 'f:data': { 'f:b': {} } },
    'updater Update': { 'f:data': { 'f:d': {} } },
  })
  const none = await apply(`${MAPS}/shrinks`, 'two', map('shrinks', undefined))
  assert.deepEqual(fine(none)['data'], { a: '1', d: '1' })
  assert.equal(Object.hasOwn(ownersOf(none), 'two Apply'), false)
})

test('items of a list are told apart by their keys, defaults of keys included, and keep the order that is applied', async () => {
  const service = (ports: object[]) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'ports' }, spec: { ports } })
  fine(
    await apply(
      `${SERVICES}/ports`,
      'one',
      service([
        { name: 'a', port: 80 },
        { name: 'b', port: 81, protocol: 'UDP' },
      ]),
    ),
    201,
  )
  const both = await apply(
    `${SERVICES}/ports`,
    'two',
    service([
      { name: 'c', port: 82 },
      { name: 'a', port: 80, protocol: 'TCP' },
    ]),
  )
  const names = (answer: Answer) => (fine(answer)['spec'] as { ports: { name: string }[] }).ports.map(({ name }) => name)
  assert.deepEqual(names(both), ['c', 'a', 'b'])
  assert.deepEqual(Object.keys((ownersOf(both)['two Apply'] as { 'f:spec': { 'f:ports': object } })['f:spec']['f:ports']), [
    'k:{"port":80,"protocol":"TCP"}',
    'k:{"port":82,"protocol":"TCP"}',
  ])
  assert.deepEqual(names(await apply(`${SERVICES}/ports`, 'one', service([{ name: 'b', port: 81, protocol: 'UDP' }]))), ['c', 'a', 'b'])
  assert.deepEqual(names(await apply(`${SERVICES}/ports`, 'two', service([{ name: 'c', port: 82 }]))), ['c', 'b'])
})

test('what the schema does not know, or not so, is refused with its path', async () => {
  const at = (spec: object) => ({ ...web(1), metadata: { name: 'bad' }, spec: { ...web(1).spec, ...spec } })
  const container = { name: 'main', image: 'i' }
  const withContainers = (containers: object[]) => at({ template: { spec: { containers } } })
  for (const [config, sentence] of [
    [at({ replica: 1 }), '.spec.replica: field not declared in schema'],
    [at({ replicas: 'two' }), '.spec.replicas: expected numeric (int or float), got string'],
    [withContainers([container, container]), '.spec.template.spec.containers: duplicate entries for key [name="main"]'],
    [
      withContainers([{ image: 'i' }]),
      '.spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
    ],
  ] as const) {
    const { message } = refusal(await apply(`${DEPLOYMENTS}/bad`, 'me', config), 400)
    assert.equal(message, `failed to create typed patch object (/bad; apps/v1, Kind=Deployment): ${sentence}`)
  }
})

test('options and bodies that cannot be: no manager, force without apply, another version, managed fields, no YAML, keys twice', async () => {
  assert.match(
    refusal(await api.request('PATCH', `${MAPS}/odd`, map('odd', {}), APPLY), 422).message,
    /PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch/,
  )
  const forced = await api.request('PATCH', `${MAPS}/odd?force=true`, {}, MERGE)
  assert.match(refusal(forced, 422).message, /force: Forbidden: may not be specified for non-apply patch/)
  const version = refusal(await apply(`${MAPS}/odd`, 'me', { ...map('odd', {}), apiVersion: 'v2' }), 400)
  assert.equal(version.message, 'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1')
  assert.equal(
    refusal(await apply(`${MAPS}/odd`, 'me', map('odd', {}, { managedFields: [] })), 400).message,
    'metadata.managedFields must be nil',
  )
  refusal(await apply(`${MAPS}/odd`, 'me', 'a: [b'), 400)
  refusal(await apply(`${MAPS}/odd`, 'me', '[]'), 400)
  refusal(await apply(`${MAPS}/odd`, 'me', map('even', {})), 400)
  const twice = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {a: "1", a: "2"}\n'
  refusal(await apply(`${MAPS}/odd`, 'me', twice, '&fieldValidation=Strict'), 400)
  assert.equal((await api.request('GET', `${MAPS}/odd`)).status, 404)
  assert.deepEqual(fine(await apply(`${MAPS}/odd`, 'me', twice), 201)['data'], { a: '2' })
})

test('preconditions: a uid or revision of what is gone, a revision that is not the newest', async () => {
  refusal(await apply(`${MAPS}/gone`, 'me', map('gone', {}, { uid: 'x' })), 409)
  refusal(await apply(`${MAPS}/gone`, 'me', map('gone', {}, { resourceVersion: '7' })), 409)
  fine(await apply(`${MAPS}/gone`, 'me', map('gone', { a: '1' })), 201)
  refusal(await apply(`${MAPS}/gone`, 'me', map('gone', { a: '2' }, { resourceVersion: '1' })), 409)
})

test('an apply to what needs create asks for that right, too', async () => {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'patcher' } }
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
  fine(
    await api.request('POST', `${roles}/roles`, { ...role, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch'] }] }),
    201,
  )
  const binding = {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'patcher' },
    subjects: [{ kind: 'User', name: 'joe' }],
  }
  fine(await api.request('POST', `${roles}/rolebindings`, { ...role, kind: 'RoleBinding', ...binding }), 201)
  const asJoe = (name: string) =>
    api.request('PATCH', `${MAPS}/${name}?fieldManager=joe`, map(name, { a: '1' }), { ...APPLY, 'impersonate-user': 'joe' })
  fine(await api.request('POST', MAPS, configMap('there', { data: { b: '1' } })), 201)
  fine(await asJoe('there'))
  refusal(await asJoe('not-there'), 403)
})

test('an object that nobody was tracked on was before-first-apply', async () => {
  fine(await api.request('POST', MAPS, configMap('old', { data: { a: '1', b: '1' } })), 201)
  fine(await api.request('PATCH', `${MAPS}/old`, { metadata: { managedFields: [{}] } }, MERGE))
  const refused = refusal(await apply(`${MAPS}/old`, 'me', map('old', { a: '2' })), 409)
  assert.equal(refused.message, 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a')
  const applied = await apply(`${MAPS}/old`, 'me', map('old', { a: '1' }))
  assert.deepEqual(ownersOf(applied), {
    'before-first-apply Update': { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } },
    'me Apply': { 'f:data': { 'f:a': {} } },
  })
})

test('what kubectl applied in the old way it takes over without conflict, and keeps the annotation in step', async () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const before = map('csa', { a: '1', b: '1' })
  const annotations = { [annotation]: JSON.stringify(before) }
  fine(
    await api.request('POST', `${MAPS}?fieldManager=kubectl-client-side-apply`, { ...before, metadata: { name: 'csa', annotations } }),
    201,
  )
  const conflict = refusal(await apply(`${MAPS}/csa`, 'other', map('csa', { a: '2' })), 409)
  assert.match(conflict.message, /conflict with "kubectl-client-side-apply" using v1: \.data\.a/)
  const taken = await apply(`${MAPS}/csa`, 'kubectl', map('csa', { a: '2', b: '1' }))
  assert.deepEqual(fine(taken)['data'], { a: '2', b: '1' })
  const { annotations: kept } = taken.json['metadata'] as { annotations: Record<string, string> }
  assert.equal(kept[annotation], '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"name":"csa"}}\n')
})

test('status is not for who applies the object, and the rest not for who applies the status', async () => {
  const config = { ...web(2), status: { replicas: 7 } }
  const main = await apply(`${DEPLOYMENTS}/halves`, 'me', { ...config, metadata: { name: 'halves' } })
  assert.equal((fine(main, 201)['status'] as { replicas?: number }).replicas, undefined)
  assert.equal(Object.hasOwn(ownersOf(main)['me Apply'] as object, 'f:status'), false)
  const status = await apply(`${DEPLOYMENTS}/halves/status`, 'me', { ...config, metadata: { name: 'halves' }, spec: { replicas: 9 } })
  assert.equal((fine(status)['status'] as { replicas?: number }).replicas, 7)
  assert.equal((status.json['spec'] as { replicas?: number }).replicas, 2)
  assert.deepEqual(ownersOf(status)['me Apply status'], { 'f:status': { 'f:replicas': {} } })
})

test('the scale can be applied, and is owned where it stands', async () => {
  fine(await apply(`${DEPLOYMENTS}/number`, 'me', { ...web(2), metadata: { name: 'number' } }), 201)
  const scale = (replicas: number) => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'number' }, spec: { replicas } })
  assert.match(refusal(await apply(`${DEPLOYMENTS}/number/scale`, 'hpa', scale(4)), 409).message, /conflict with "me": \.spec\.replicas/)
  assert.equal(
    (fine(await apply(`${DEPLOYMENTS}/number/scale`, 'hpa', scale(4), '&force=true'))['spec'] as { replicas: number }).replicas,
    4,
  )
  const left = await apply(`${DEPLOYMENTS}/number`, 'me', { ...web(undefined), metadata: { name: 'number' } })
  assert.equal((fine(left)['spec'] as { replicas: number }).replicas, 4)
})

test('a dry run says what would be, and is not', async () => {
  const made = await apply(`${MAPS}/dry`, 'me', map('dry', { a: '1' }), '&dryRun=All')
  assert.deepEqual(ownersOf(made), { 'me Apply': { 'f:data': { 'f:a': {} } } })
  fine(made, 201)
  assert.equal((await api.request('GET', `${MAPS}/dry`)).status, 404)
})

test('two appliers of different halves come to the same object, whoever is first', async () => {
  const one = (name: string) => ({ ...web(2), metadata: { name, labels: { one: '1' } } })
  const two = (name: string) => ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, labels: { two: '2' } } },
    spec: { minReadySeconds: 3, template: { spec: { containers: [{ name: 'main', env: [{ name: 'A', value: 'b' }] }] } } },
  })
  fine(await apply(`${DEPLOYMENTS}/first`, 'one', one('first')), 201)
  const first = fine(await apply(`${DEPLOYMENTS}/first`, 'two', two('first')))
  fine(await api.request('POST', DEPLOYMENTS, { ...one('second'), metadata: { name: 'second' } }), 201)
  fine(await apply(`${DEPLOYMENTS}/second`, 'two', two('second')))
  const second = fine(await apply(`${DEPLOYMENTS}/second`, 'one', one('second')))
  assert.deepEqual(second['spec'], first['spec'])
  assert.deepEqual((second['metadata'] as { labels: object }).labels, { one: '1', two: '2' })
})

test('a kind of two versions: who applied in one is in conflict with who applies in the other', async () => {
  const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/both`
  const config = (version: string, spec: object) => ({
    ...{ apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscaler', metadata: { name: 'both' } },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
  })
  fine(await apply(path('v1'), 'one', config('v1', { maxReplicas: 3, targetCPUUtilizationPercentage: 50 })), 201)
  const refused = refusal(await apply(path('v2'), 'two', config('v2', { maxReplicas: 4 })), 409)
  assert.equal(refused.message, 'Apply failed with 1 conflict: conflict with "one": .spec.maxReplicas')
  const own = await apply(path('v2'), 'one', config('v2', { maxReplicas: 4 }))
  assert.equal((fine(own)['spec'] as { maxReplicas: number }).maxReplicas, 4)
  assert.deepEqual(Object.keys(ownersOf(own)), ['one Apply'], 'who applies is one, whatever version they speak')
})
