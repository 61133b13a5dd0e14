import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, node, pod, serviceAccount } from '../harness/bodies.ts'

let api: TestApi
const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'

interface Seen {
  metadata: Record<string, unknown> & { name: string; uid: string; resourceVersion: string; finalizers?: string[] }
  data?: Record<string, string>
  spec: Record<string, unknown>
  status: Record<string, unknown>
}
const seen = (answer: Answer, status = 200): Seen => {
  assert.equal(answer.status, status, answer.text)
  return answer.json as unknown as Seen
}
const refused = (answer: Answer, status: number, reason: string): string => {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.json['kind'], 'Status')
  assert.equal(answer.json['reason'], reason)
  assert.equal(answer.json['code'], status)
  return String(answer.json['message'])
}

before(async () => {
  api = await startApi()
  assert.equal((await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))).status, 201)
})
after(() => api.stop())

test('create answers the stored object, with what the server gives it', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('made', { data: { a: 'b' } })), 201)
  assert.match(made.metadata.uid, /^[0-9a-f-]{36}$/)
  assert.match(String(made.metadata['creationTimestamp']), /^\d{4}-.*Z$/)
  assert.equal(made.metadata['namespace'], 'default')
  assert.deepEqual(seen(await api.request('GET', `${MAPS}/made`)), made)
})

test('what only the server may say is not taken from a creator', async () => {
  const forged = {
    uid: 'x',
    resourceVersion: '',
    creationTimestamp: '2001-01-01T00:00:00Z',
    deletionTimestamp: '2001-01-01T00:00:00Z',
    generation: 7,
  }
  const made = seen(await api.request('POST', PODS, { ...pod('forged', {}, forged), status: { phase: 'Running' } }), 201)
  assert.notEqual(made.metadata.uid, 'x')
  assert.equal(made.metadata['deletionTimestamp'], undefined)
  assert.equal(made.metadata['generation'], 1)
  assert.equal(made.status['phase'], 'Pending')
})

test('a second create of one name is AlreadyExists', async () => {
  seen(await api.request('POST', MAPS, configMap('twice')), 201)
  assert.equal(refused(await api.request('POST', MAPS, configMap('twice')), 409, 'AlreadyExists'), 'configmaps "twice" already exists')
})

test('generateName adds five letters', async () => {
  const made = seen(await api.request('POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } }), 201)
  assert.match(made.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
})

test('create in a namespace that is not there is NotFound', async () => {
  assert.match(
    refused(await api.request('POST', '/api/v1/namespaces/nowhere/configmaps', configMap('a')), 404, 'NotFound'),
    /namespaces "nowhere"/,
  )
})

test('update needs the newest resourceVersion when it names one', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('race', { data: { v: '1' } })), 201)
  const second = seen(await api.request('PUT', `${MAPS}/race`, { ...made, data: { v: '2' } }))
  assert.notEqual(second.metadata.resourceVersion, made.metadata.resourceVersion)
  assert.match(refused(await api.request('PUT', `${MAPS}/race`, { ...made, data: { v: '3' } }), 409, 'Conflict'), /has been modified/)
  assert.deepEqual(seen(await api.request('GET', `${MAPS}/race`)).data, { v: '2' })
})

test('update without a resourceVersion replaces the newest state; one of another uid is a Conflict', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('blind')), 201)
  seen(await api.request('PUT', `${MAPS}/blind`, configMap('blind', { data: { v: '2' } })))
  const other = { ...configMap('blind'), metadata: { name: 'blind', uid: `${made.metadata.uid.slice(0, -1)}z` } }
  assert.match(refused(await api.request('PUT', `${MAPS}/blind`, other), 409, 'Conflict'), /Precondition failed: UID/)
})

test('an update that changes nothing writes nothing', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('same', { data: { a: '1', b: '2' } })), 201)
  const again = seen(await api.request('PUT', `${MAPS}/same`, configMap('same', { data: { b: '2', a: '1' } })))
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion)
})

test('an update keeps what the server said', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('keeps')), 201)
  const changed = seen(await api.request('PUT', `${MAPS}/keeps`, configMap('keeps', { data: { a: 'b' } })))
  for (const field of ['uid', 'creationTimestamp', 'namespace']) assert.equal(changed.metadata[field], made.metadata[field], field)
})

test('16 writers on one object, each again after a Conflict: no update is lost', async () => {
  seen(await api.request('POST', MAPS, configMap('counter', { data: { n: '0' } })), 201)
  const increment = async () => {
    for (;;) {
      const current = seen(await api.request('GET', `${MAPS}/counter`))
      const answer = await api.request('PUT', `${MAPS}/counter`, { ...current, data: { n: String(Number(current.data?.['n']) + 1) } })
      if (answer.status === 200) return
      refused(answer, 409, 'Conflict')
    }
  }
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let round = 0; round < 5; round++) await increment()
    }),
  )
  assert.equal(seen(await api.request('GET', `${MAPS}/counter`)).data?.['n'], '80')
})

test('patches race without conflicts: each is applied to the newest state', async () => {
  seen(await api.request('POST', MAPS, configMap('patched')), 201)
  const merge = { 'content-type': 'application/merge-patch+json' }
  await Promise.all(Array.from({ length: 30 }, (_, n) => api.request('PATCH', `${MAPS}/patched`, { data: { [`k${n}`]: 'x' } }, merge)))
  assert.equal(Object.keys(seen(await api.request('GET', `${MAPS}/patched`)).data ?? {}).length, 30)
})

test('the three patch types', async () => {
  seen(await api.request('POST', DEPLOYMENTS, deployment('patches')), 201)
  const strategic = { spec: { template: { spec: { containers: [{ name: 'side', image: 'busybox' }] } } } }
  const one = seen(
    await api.request('PATCH', `${DEPLOYMENTS}/patches`, strategic, { 'content-type': 'application/strategic-merge-patch+json' }),
  )
  const containers = (from: Seen) =>
    (from.spec['template'] as { spec: { containers: { name: string }[] } }).spec.containers.map((each) => each.name)
  assert.deepEqual(containers(one).sort(), ['main', 'side'])
  const two = seen(await api.request('PATCH', `${DEPLOYMENTS}/patches`, strategic, { 'content-type': 'application/merge-patch+json' }))
  assert.deepEqual(containers(two), ['side'])
  const json = [{ op: 'replace', path: '/spec/replicas', value: 3 }]
  const three = seen(await api.request('PATCH', `${DEPLOYMENTS}/patches`, json, { 'content-type': 'application/json-patch+json' }))
  assert.equal(three.spec['replicas'], 3)
  const applied = 'apiVersion: apps/v1\nspec: {replicas: 3, minReadySeconds: 4}\n'
  const yaml = { 'content-type': 'application/apply-patch+yaml' }
  const four = seen(await api.request('PATCH', `${DEPLOYMENTS}/patches?fieldManager=me`, applied, yaml))
  assert.equal(four.spec['minReadySeconds'], 4)
  refused(
    await api.request('PATCH', `${DEPLOYMENTS}/patches`, applied, { 'content-type': 'application/apply-patch+cbor' }),
    415,
    'UnsupportedMediaType',
  )
})

test('a patch that names an old resourceVersion is a Conflict', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('pinned')), 201)
  const merge = { 'content-type': 'application/merge-patch+json' }
  seen(await api.request('PATCH', `${MAPS}/pinned`, { data: { a: '1' } }, merge))
  const old = { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { a: '2' } }
  refused(await api.request('PATCH', `${MAPS}/pinned`, old, merge), 409, 'Conflict')
})

test('generation counts changes of the spec, not of metadata or status', async () => {
  const generation = (from: Seen) => from.metadata['generation']
  const merge = { 'content-type': 'application/merge-patch+json' }
  const change = async (path: string, body: object) =>
    generation(seen(await api.request('PATCH', `${DEPLOYMENTS}/counted${path}`, body, merge)))
  assert.equal(generation(seen(await api.request('POST', DEPLOYMENTS, deployment('counted')), 201)), 1)
  assert.equal(await change('', { metadata: { labels: { a: 'b' } } }), 1)
  assert.equal(await change('/status', { status: { replicas: 4 } }), 1)
  assert.equal(await change('', { spec: { replicas: 2 } }), 2)
})

test('the main resource cannot change the status, the status sub-resource cannot change the spec', async () => {
  const made = seen(await api.request('POST', DEPLOYMENTS, deployment('split', { replicas: 1 })), 201)
  const both = { ...made, spec: { ...made.spec, replicas: 5 }, status: { replicas: 9 } }
  const main = seen(await api.request('PUT', `${DEPLOYMENTS}/split`, both))
  assert.equal(main.spec['replicas'], 5)
  assert.equal(main.status['replicas'], undefined)
  const status = seen(
    await api.request('PUT', `${DEPLOYMENTS}/split/status`, { ...main, spec: { ...main.spec, replicas: 7 }, status: { replicas: 9 } }),
  )
  assert.equal(status.spec['replicas'], 5)
  assert.equal(status.status['replicas'], 9)
})

test('a node may register with a status', async () => {
  const made = seen(await api.request('POST', '/api/v1/nodes', { ...node('n1'), status: { capacity: { cpu: '4' } } }), 201)
  assert.deepEqual(made.status['capacity'], { cpu: '4' })
})

test('scale: get, update, patch, and a stale one', async () => {
  seen(await api.request('POST', DEPLOYMENTS, deployment('scaled', { replicas: 1 })), 201)
  const scale = seen(await api.request('GET', `${DEPLOYMENTS}/scaled/scale`))
  assert.equal((scale as unknown as { kind: string }).kind, 'Scale')
  assert.deepEqual(scale.spec, { replicas: 1 })
  assert.equal(scale.status['selector'], 'app=scaled')
  assert.deepEqual(seen(await api.request('PUT', `${DEPLOYMENTS}/scaled/scale`, { ...scale, spec: { replicas: 4 } })).spec, { replicas: 4 })
  refused(await api.request('PUT', `${DEPLOYMENTS}/scaled/scale`, { ...scale, spec: { replicas: 5 } }), 409, 'Conflict')
  const merge = { 'content-type': 'application/merge-patch+json' }
  assert.deepEqual(seen(await api.request('PATCH', `${DEPLOYMENTS}/scaled/scale`, { spec: { replicas: 6 } }, merge)).spec, { replicas: 6 })
  refused(await api.request('PATCH', `${DEPLOYMENTS}/scaled/scale`, { spec: { replicas: -1 } }, merge), 422, 'Invalid')
})

test('dry run goes all the way and stores nothing', async () => {
  const dry = seen(await api.request('POST', `${MAPS}?dryRun=All`, configMap('dry', { data: { a: 'b' } })), 201)
  assert.ok(dry.metadata.uid)
  refused(await api.request('GET', `${MAPS}/dry`), 404, 'NotFound')
  seen(await api.request('POST', MAPS, configMap('wet', { data: { a: 'b' } })), 201)
  assert.deepEqual(seen(await api.request('PUT', `${MAPS}/wet?dryRun=All`, configMap('wet', { data: { a: 'c' } }))).data, { a: 'c' })
  assert.deepEqual(seen(await api.request('GET', `${MAPS}/wet`)).data, { a: 'b' })
  seen(await api.request('DELETE', `${MAPS}/wet?dryRun=All`))
  seen(await api.request('GET', `${MAPS}/wet`))
  refused(await api.request('POST', `${MAPS}?dryRun=Some`, configMap('dry2')), 422, 'Invalid')
})

test('field validation: strict refuses, warn warns, ignore drops', async () => {
  const body = { ...configMap('fields'), extra: 1 }
  assert.match(refused(await api.request('POST', `${MAPS}?fieldValidation=Strict`, body), 400, 'BadRequest'), /unknown field "extra"/)
  const warned = await api.request('POST', MAPS, body)
  assert.equal(seen(warned, 201).metadata.name, 'fields')
  assert.match(String(warned.header('warning')), /^299 - "unknown field \\"extra\\""/)
  assert.equal(
    (await api.request('POST', `${MAPS}?fieldValidation=Ignore`, { ...body, metadata: { name: 'fields2' } })).header('warning'),
    undefined,
  )
})

test('delete answers a Status for most kinds, the object for some', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('gone')), 201)
  const answer = (await api.request('DELETE', `${MAPS}/gone`)).json
  assert.equal(answer['status'], 'Success')
  assert.deepEqual(answer['details'], { name: 'gone', kind: 'configmaps', uid: made.metadata.uid })
  refused(await api.request('DELETE', `${MAPS}/gone`), 404, 'NotFound')
  seen(await api.request('POST', PODS, pod('gone')), 201)
  assert.equal(seen(await api.request('DELETE', `${PODS}/gone`)).metadata.name, 'gone')
})

test('delete preconditions', async () => {
  const made = seen(await api.request('POST', MAPS, configMap('guarded')), 201)
  const options = (preconditions: object) => ({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions })
  assert.match(
    refused(await api.request('DELETE', `${MAPS}/guarded`, options({ uid: 'other' })), 409, 'Conflict'),
    /UID in precondition: other/,
  )
  refused(await api.request('DELETE', `${MAPS}/guarded`, options({ resourceVersion: '1' })), 409, 'Conflict')
  seen(await api.request('DELETE', `${MAPS}/guarded`, options({ uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion })))
})

test('a finalizer holds the object until it is taken away; none can be added then', async () => {
  seen(
    await api.request('POST', MAPS, { ...configMap('held'), metadata: { name: 'held', finalizers: ['example.com/a', 'example.com/b'] } }),
    201,
  )
  const marked = seen(await api.request('DELETE', `${MAPS}/held`))
  assert.ok(marked.metadata['deletionTimestamp'])
  const merge = { 'content-type': 'application/merge-patch+json' }
  const finalizers = (names: string[]) => api.request('PATCH', `${MAPS}/held`, { metadata: { finalizers: names } }, merge)
  assert.match(
    refused(await finalizers(['example.com/a', 'example.com/b', 'example.com/c']), 422, 'Invalid'),
    /no new finalizers can be added/,
  )
  seen(await finalizers(['example.com/b']))
  seen(await api.request('GET', `${MAPS}/held`))
  seen(await finalizers([]))
  refused(await api.request('GET', `${MAPS}/held`), 404, 'NotFound')
})

test('propagation policies become finalizers', async () => {
  const make = async (name: string, query: string) => {
    seen(await api.request('POST', DEPLOYMENTS, deployment(name)), 201)
    return seen(await api.request('DELETE', `${DEPLOYMENTS}/${name}${query}`)).metadata
  }
  assert.deepEqual((await make('fore', '?propagationPolicy=Foreground')).finalizers, ['foregroundDeletion'])
  assert.deepEqual((await make('orphans', '?propagationPolicy=Orphan')).finalizers, ['orphan'])
  assert.deepEqual((await make('old-orphans', '?orphanDependents=true')).finalizers, ['orphan'])
  assert.equal((await make('back', '?propagationPolicy=Background')).finalizers, undefined)
  refused(await api.request('GET', `${DEPLOYMENTS}/back`), 404, 'NotFound')
  refused(await api.request('DELETE', `${DEPLOYMENTS}/fore?propagationPolicy=Sideways`), 422, 'Invalid')
})

test('a pod on a node is marked and waits for its kubelet; one without is removed at once', async () => {
  seen(await api.request('POST', PODS, pod('bound', { nodeName: 'n1' })), 201)
  const marked = seen(await api.request('DELETE', `${PODS}/bound`))
  assert.equal(marked.metadata['deletionGracePeriodSeconds'], 30)
  const shorter = seen(await api.request('DELETE', `${PODS}/bound?gracePeriodSeconds=5`))
  assert.equal(shorter.metadata['deletionGracePeriodSeconds'], 5)
  const longer = seen(await api.request('DELETE', `${PODS}/bound?gracePeriodSeconds=60`))
  assert.equal(longer.metadata['deletionGracePeriodSeconds'], 5)
  seen(await api.request('DELETE', `${PODS}/bound?gracePeriodSeconds=0`))
  refused(await api.request('GET', `${PODS}/bound`), 404, 'NotFound')
  seen(await api.request('POST', PODS, pod('unbound')), 201)
  seen(await api.request('DELETE', `${PODS}/unbound`))
  refused(await api.request('GET', `${PODS}/unbound`), 404, 'NotFound')
})

test('binding puts a pod on a node, once', async () => {
  seen(await api.request('POST', PODS, pod('placed')), 201)
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'placed' }, target: { kind: 'Node', name: 'n1' } }
  assert.equal((await api.request('POST', `${PODS}/placed/binding`, binding)).status, 201)
  assert.equal(seen(await api.request('GET', `${PODS}/placed`)).spec['nodeName'], 'n1')
  refused(await api.request('POST', `${PODS}/placed/binding`, binding), 409, 'Conflict')
})

test('a namespace is Terminating until its finalizer is taken away through finalize', async () => {
  const name = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'short-lived' } }
  seen(await api.request('POST', '/api/v1/namespaces', name), 201)
  seen(await api.request('POST', '/api/v1/namespaces/short-lived/configmaps', configMap('in-it')), 201)
  const marked = seen(await api.request('DELETE', '/api/v1/namespaces/short-lived'))
  assert.equal(marked.status['phase'], 'Terminating')
  refused(await api.request('POST', '/api/v1/namespaces/short-lived/configmaps', configMap('too-late')), 403, 'Forbidden')
  seen(await api.request('DELETE', '/api/v1/namespaces/short-lived/configmaps/in-it'))
  seen(await api.request('PUT', '/api/v1/namespaces/short-lived/finalize', { ...marked, spec: { finalizers: [] } }))
  refused(await api.request('GET', '/api/v1/namespaces/short-lived'), 404, 'NotFound')
})

test('deletecollection deletes what is selected and answers it', async () => {
  for (const name of ['c1', 'c2', 'c3']) {
    seen(await api.request('POST', MAPS, { ...configMap(name), metadata: { name, labels: { lot: name === 'c3' ? 'two' : 'one' } } }), 201)
  }
  const answer = await api.request('DELETE', `${MAPS}?labelSelector=lot%3Done`)
  assert.deepEqual(
    (answer.json['items'] as Seen[]).map((item) => item.metadata.name),
    ['c1', 'c2'],
  )
  refused(await api.request('GET', `${MAPS}/c1`), 404, 'NotFound')
  seen(await api.request('GET', `${MAPS}/c3`))
})

test('reviews are answered, not stored, and need no name', async () => {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
  }
  const answer = seen(await api.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review), 201)
  assert.equal(answer.status['allowed'], true)
  refused(await api.request('GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'), 405, 'MethodNotAllowed')
})

test('an update may create, where the kind allows it and the user may create', async () => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'fresh' }, spec: { holderIdentity: 'a' } }
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/fresh'
  const rules = [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['update'] }]
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
  const kind = (name: string) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: name, metadata: { name: 'updaters' } })
  seen(await api.request('POST', `${rbac}/roles`, { ...kind('Role'), rules }), 201)
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'updaters' }
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }]
  seen(await api.request('POST', `${rbac}/rolebindings`, { ...kind('RoleBinding'), roleRef, subjects }), 201)
  const eve = { name: 'eve', groups: ['system:authenticated'] }
  assert.match(refused(await api.request('PUT', path, lease, {}, eve), 403, 'Forbidden'), /cannot create resource "leases"/)
  const made = seen(await api.request('PUT', path, lease), 201)
  seen(await api.request('PUT', path, { ...made, spec: { holderIdentity: 'b' } }, {}, eve))
})

test('a thousand warnings do not burst the head of the answer', async () => {
  const unknown = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`unknown${n}`, n]))
  const answer = await api.request('POST', MAPS, { ...configMap('many-warnings'), ...unknown })
  seen(answer, 201)
  const warning = String(answer.header('warning'))
  assert.ok(warning.length > 1000 && warning.length < 5000, String(warning.length))
})

test('what a pod or a template asks for in vain is said in the answer; a Service gets what it asks for', async () => {
  const vain = { containers: [{ name: 'c', image: 'x' }], resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }], hostUsers: false }
  const named = (name: string, spec: object) => ({ metadata: { name }, spec })
  const template = { metadata: { labels: { a: 'b' } }, spec: vain }
  for (const [path, body, place] of [
    ['/api/v1/namespaces/default/pods', named('vain', vain), 'spec'],
    [
      '/apis/apps/v1/namespaces/default/deployments',
      named('vain', { selector: { matchLabels: { a: 'b' } }, template }),
      'spec.template.spec',
    ],
  ] as const) {
    const answer = await api.request('POST', path, body)
    const warning = String(answer.header('warning'))
    assert.ok(warning.includes(`${place}.resourceClaims: has no effect: devices are not allocated in this cluster`), warning)
    assert.ok(warning.includes(`${place}.hostUsers: user namespaces are not provided`), warning)
  }
  const service = await api.request(
    'POST',
    '/api/v1/namespaces/default/services',
    named('served', { trafficDistribution: 'PreferSameNode', ports: [{ port: 80 }] }),
  )
  assert.deepEqual([service.status, service.header('warning')], [201, undefined])
  const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [1] } }]
  const bad = named('bad', {
    containers: [{ name: 'c', image: 'x', restartPolicyRules: rules, securityContext: { procMount: 'Unmasked' } }],
  })
  const refusal = refused(await api.request('POST', '/api/v1/namespaces/default/pods', bad), 422, 'Invalid')
  for (const field of ['restartPolicy', 'restartPolicyRules[0].action', 'securityContext.procMount'])
    assert.ok(refusal.includes(`spec.containers[0].${field}: `), refusal)
})
