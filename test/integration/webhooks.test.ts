import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { configMap, deployment, pod, service, serviceAccount } from '../harness/bodies.ts'
import { soon } from '../harness/soon.ts'
import { patched, refused, webhookScene } from '../harness/webhook-scene.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const rule = (resources: string[], operations = ['*'], groups = ['']) => ({ operations, apiGroups: groups, apiVersions: ['*'], resources })

async function scene(context: TestContext) {
  const all = await webhookScene(context)
  await all.api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  const create = (name: string, more: object = {}, path = MAPS) => all.api.request('POST', path, configMap(name, more))
  const askedOf = (name: string) => all.asked.filter(({ by }) => by === name).map(({ request }) => request)
  return { ...all, create, askedOf }
}

test('a validating webhook sees what is stored, and its refusal is told in its words', async (context) => {
  const { api, install, webhook, answer, create, askedOf, remove } = await scene(context)
  await install('Validating', 'a', webhook('no'))
  answer('no', ({ object }) =>
    object.data?.bad ? refused('bad data', { code: 422, reason: 'Invalid' }) : { allowed: true, warnings: ['so so'] },
  )
  const good = await create('good', { data: { a: '1' } }, `${MAPS}?fieldManager=me`)
  assert.equal(good.status, 201)
  assert.match(String(good.header('warning')), /so so/)
  const [first] = askedOf('no')
  assert.deepEqual(first.kind, { group: '', version: 'v1', kind: 'ConfigMap' })
  assert.deepEqual(first.requestResource, { group: '', version: 'v1', resource: 'configmaps' })
  assert.deepEqual(
    [first.operation, first.name, first.namespace, first.dryRun, first.oldObject],
    ['CREATE', 'good', 'default', false, null],
  )
  assert.deepEqual(first.options, { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' })
  assert.equal(first.userInfo.username, 'kubernetes-admin')
  const stored = structuredClone(good.json) as { metadata: object }
  Reflect.deleteProperty(stored.metadata, 'resourceVersion')
  assert.deepEqual(first.object, stored, 'what is stored')

  const bad = await create('bad', { data: { bad: 'yes' } })
  assert.equal(bad.status, 422)
  assert.deepEqual(bad.json['message'], 'admission webhook "no.example.com" denied the request: bad data')
  assert.equal(bad.json['reason'], 'Invalid')
  answer('no', () => ({ allowed: false }))
  const silent = await create('silent')
  assert.deepEqual(
    [silent.status, silent.json['message']],
    [400, 'admission webhook "no.example.com" denied the request without explanation'],
  )
  assert.equal((await api.request('GET', `${MAPS}/silent`)).status, 404)
  await remove('Validating', 'a')
  assert.equal((await create('silent')).status, 201)
})

test('mutating webhooks go one after the other by the names of their configurations, before defaults, validation and validating ones', async (context) => {
  const { install, webhook, answer, askedOf, api } = await scene(context)
  const pods = { rules: [rule(['pods'], ['CREATE'])] }
  await install('Validating', 'v', webhook('sees', pods))
  await install('Mutating', 'b', webhook('second', pods))
  await install('Mutating', 'a', webhook('first', pods))
  answer('first', () => patched({ op: 'add', path: '/metadata/labels', value: { first: 'yes' } }))
  const sidecar = { name: 'side', image: 'side', ports: [{ containerPort: 80 }], unknown: 1 }
  answer('second', ({ object }) =>
    object.metadata.labels.first ? patched({ op: 'add', path: '/spec/containers/-', value: sidecar }) : refused('order'),
  )
  const made = await api.request('POST', '/api/v1/namespaces/default/pods', pod('web'))
  assert.equal(made.status, 201, made.text)
  const { containers } = made.json['spec'] as { containers: Record<string, unknown>[] }
  const [, side] = containers
  assert.equal(side!['imagePullPolicy'], 'Always', 'defaults')
  assert.equal(side!['unknown'], undefined, 'what the schema does not know')
  assert.equal(askedOf('sees')[0].object.spec.containers.length, 2)

  answer('second', () => patched({ op: 'replace', path: '/spec/containers/0/image', value: '' }))
  const broken = await api.request('POST', '/api/v1/namespaces/default/pods', pod('broken'))
  assert.deepEqual([broken.status, broken.json['reason']], [422, 'Invalid'], broken.text)
  answer('second', () => patched({ op: 'replace', path: '/spec/containers', value: 7 }))
  const misshapen = await api.request('POST', '/api/v1/namespaces/default/pods', pod('broken'))
  assert.equal(misshapen.status, 500)
  assert.match(
    String(misshapen.json['message']),
    /^Internal error occurred: the patch of admission webhook "second.example.com": .*cannot unmarshal/,
  )
  answer('second', () => patched({ op: 'remove', path: '/spec/nothing' }))
  assert.match((await api.request('POST', '/api/v1/namespaces/default/pods', pod('broken'))).text, /Unable to remove nonexistent key/)
})

test('who asked for it is asked again when others changed the object after it', async (context) => {
  const { install, webhook, answer, askedOf, create } = await scene(context)
  const add = (key: string) => patched({ op: 'add', path: `/data/${key}`, value: 'yes' })
  await install(
    'Mutating',
    'a',
    webhook('again', { reinvocationPolicy: 'IfNeeded' }),
    webhook('once'),
    webhook('late', { reinvocationPolicy: 'IfNeeded' }),
  )
  answer('once', () => add('once'))
  const { json } = await create('a', { data: { a: '1' } })
  assert.deepEqual(json['data'], { a: '1', once: 'yes' })
  assert.deepEqual(
    askedOf('again').map(({ object }) => Object.keys(object.data)),
    [['a'], ['a', 'once']],
  )
  assert.equal(askedOf('once').length, 1)
  assert.equal(askedOf('late').length, 1)
})

test('rules, selectors and scopes say who is asked', async (context) => {
  const { install, webhook, askedOf, api, create } = await scene(context)
  const labelled = { matchLabels: { watched: 'yes' } }
  await install(
    'Validating',
    'a',
    webhook('all', { rules: [rule(['*'], ['*'], ['*'])] }),
    webhook('deep', { rules: [rule(['*/*'], ['*'], ['*'])] }),
    webhook('cluster', { rules: [{ ...rule(['*'], ['CREATE'], ['*']), scope: 'Cluster' }] }),
    webhook('labelled', { objectSelector: labelled, rules: [rule(['configmaps'])] }),
    webhook('inside', { namespaceSelector: labelled, rules: [rule(['configmaps', 'namespaces', 'persistentvolumes'], ['CREATE'])] }),
  )
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'watched', labels: { watched: 'yes' } } })
  await create('plain')
  await create('inside', {}, '/api/v1/namespaces/watched/configmaps')
  await create('mine', { metadata: { name: 'mine', labels: { watched: 'yes' } } })
  await api.request(
    'PATCH',
    `${MAPS}/mine`,
    { metadata: { labels: { watched: null } } },
    { 'content-type': 'application/merge-patch+json' },
  )
  await api.request('DELETE', `${MAPS}/mine`)
  await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web', { replicas: 1 }))
  const scale = { spec: { replicas: 2 } }
  const scaled = await api.request('PATCH', '/apis/apps/v1/namespaces/default/deployments/web/scale', scale, {
    'content-type': 'application/merge-patch+json',
  })
  assert.equal(scaled.status, 200)
  const told = (name: string) =>
    askedOf(name).map(({ operation, name: of, subResource = '' }) => `${operation} ${of}${subResource && '/'}${subResource}`)
  const main = ['CREATE watched', 'CREATE plain', 'CREATE inside', 'CREATE mine', 'UPDATE mine', 'DELETE mine', 'CREATE web']
  assert.deepEqual(told('all'), main)
  assert.deepEqual(told('deep'), [...main, 'UPDATE web/scale'])
  assert.deepEqual(told('cluster'), ['CREATE watched'])
  assert.deepEqual(told('labelled'), ['CREATE mine', 'UPDATE mine'], 'of the old and the new object')
  assert.deepEqual(told('inside'), ['CREATE watched', 'CREATE inside'])
  const last = askedOf('deep').at(-1)
  assert.deepEqual([last.kind.kind, last.object.spec, last.oldObject.spec], ['Scale', { replicas: 2 }, { replicas: 1 }])
  const gone = askedOf('deep').find(({ operation }) => operation === 'DELETE')
  assert.deepEqual([gone.object, gone.oldObject.metadata.name, gone.options.kind], [null, 'mine', 'DeleteOptions'])
})

test('a request in another version is shown in the version that a rule names, unless it is to be exact', async (context) => {
  const { install, webhook, answer, askedOf, api } = await scene(context)
  const old = {
    rules: [{ operations: ['CREATE'], apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }],
  }
  await install('Mutating', 'a', webhook('old', old), webhook('exact', { ...old, matchPolicy: 'Exact' }))
  answer('old', ({ object }) =>
    patched({ op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: object.spec.targetCPUUtilizationPercentage + 1 }),
  )
  const made = await api.request('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
    metadata: { name: 'a' },
    spec: {
      ...{ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, maxReplicas: 3 },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    },
  })
  assert.equal(made.status, 201, made.text)
  const { metrics } = made.json['spec'] as { metrics: { resource: { target: { averageUtilization: number } } }[] }
  assert.equal(metrics[0]!.resource.target.averageUtilization, 61)
  const [shown] = askedOf('old')
  assert.deepEqual([shown.resource.version, shown.requestResource.version, shown.object.apiVersion], ['v1', 'v2', 'autoscaling/v1'])
  assert.equal(askedOf('exact').length, 0)
})

test('custom resources and their definitions are shown, in the version that a rule names', async (context) => {
  const { install, webhook, answer, askedOf, api } = await scene(context)
  const version = (name: string, more: object) => ({
    ...{ name, served: true, ...more, subresources: { status: {} } },
    schema: {
      openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer', default: 1 } } } } },
    },
  })
  const group = 'hooks.example.com'
  await install('Mutating', 'd', webhook('kinds', { rules: [rule(['customresourcedefinitions'], ['CREATE'], ['apiextensions.k8s.io'])] }))
  answer('kinds', ({ object }) => (object.spec.names.kind === 'Bad' ? refused('no such kind') : { allowed: true }))
  const definition = (kind: string, plural: string) => ({
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural },
      versions: [version('v1', { storage: true }), version('v2', { storage: false })],
    },
  })
  const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  assert.match((await api.request('POST', DEFINITIONS, definition('Bad', 'bads'))).text, /no such kind/)
  assert.equal((await api.request('POST', DEFINITIONS, definition('Thing', 'things'))).status, 201)
  await soon(async () => assert.equal((await api.request('GET', `/apis/${group}/v2/things`)).status, 200))
  await install('Mutating', 'c', webhook('things', { rules: [{ ...rule(['things'], ['*'], [group]), apiVersions: ['v1'] }] }))
  answer('things', ({ object }) =>
    object
      ? patched({ op: 'replace', path: '/spec/size', value: object.spec.size + 1 }, { op: 'add', path: '/spec/unknown', value: 1 })
      : { allowed: true },
  )
  const things = `/apis/${group}/v2/namespaces/default/things`
  const made = await api.request('POST', things, { apiVersion: `${group}/v2`, kind: 'Thing', metadata: { name: 'a' }, spec: {} })
  assert.deepEqual([made.status, made.json['apiVersion'], made.json['spec']], [201, `${group}/v2`, { size: 2 }], made.text)
  assert.equal((await api.request('DELETE', `${things}/a`)).status, 200)
  const [first, last] = askedOf('things')
  assert.deepEqual([first.object.apiVersion, first.requestKind.version, first.kind.version], [`${group}/v1`, 'v2', 'v1'])
  assert.deepEqual([last.operation, last.oldObject.apiVersion, last.oldObject.spec], ['DELETE', `${group}/v1`, { size: 2 }])
})

test('a webhook that fails refuses or lets pass, as its policy says', async (context) => {
  const { install, webhook, answer, create, remove, api } = await scene(context)
  const cases: [what: string, answering: Parameters<typeof answer>[1], why: RegExp][] = [
    [
      'another uid',
      () => ({ uid: 'x', allowed: true }),
      /received invalid webhook response: expected response.uid="[-0-9a-f]{36}", got "x"/,
    ],
    ['an error', (_, response) => void response.writeHead(500).end('oh'), /failed to call webhook: the server answered 500: oh/],
    [
      'no review',
      (_, response) => void response.end('{}'),
      /expected webhook response of admission.k8s.io\/v1, Kind=AdmissionReview, got , Kind=/,
    ],
    ['a patch of no type', () => ({ allowed: true, patch: 'W10=' }), /webhook returned response.patch but not response.patchType/],
    ['a patch that is none', () => ({ allowed: true, patchType: 'JSONPatch', patch: 'e30=' }), /received undecodable patch/],
    ['too much', (_, response) => void response.end(`"${'x'.repeat(4_000_000)}"`), /more than 3145728 bytes/],
    ['a redirect', (_, response) => void response.writeHead(307, { location: '/good' }).end(), /redirects are not followed/],
  ]
  // Only for this one the time matters; the others have more than they need on a busy machine.
  await install('Mutating', 'b', webhook('hangs', { timeoutSeconds: 1 }))
  answer('hangs', () => undefined)
  assert.match((await create('a')).text, /failed to call webhook: Post \\".*\/hangs\?timeout=1s\\": context deadline exceeded/)
  await remove('Mutating', 'b')
  await install('Mutating', 'a', webhook('bad'))
  for (const [what, answering, why] of cases) {
    answer('bad', answering)
    const { status, json } = await create('a')
    assert.deepEqual([status, json['reason']], [500, 'InternalError'], what)
    assert.match(String(json['message']), /^Internal error occurred: failed calling webhook "bad.example.com": /, what)
    assert.match(String(json['message']), why, what)
  }
  await remove('Mutating', 'a')
  await install('Mutating', 'a', webhook('bad', { failurePolicy: 'Ignore' }))
  for (const [index, [what, answering]] of cases.entries()) {
    answer('bad', answering)
    assert.equal((await create(`pass-${index}`)).status, 201, what)
  }
  answer('bad', () => refused('no is no'))
  assert.equal((await create('denied')).status, 400)
  const { text } = await api.request('GET', '/metrics')
  const labels = '\\{name="bad.example.com",type="admit",operation="CREATE"'
  assert.match(
    text,
    new RegExp(`apiserver_admission_webhook_rejection_count${labels},error_type="calling_webhook_error",rejection_code="503"\\} 6`),
  )
  assert.match(text, new RegExp(`apiserver_admission_webhook_rejection_count${labels},error_type="no_error",rejection_code="400"\\} 1`))
  assert.match(text, /apiserver_admission_webhook_fail_open_count\{name="bad.example.com",type="admit"\} 7/)
  assert.match(text, new RegExp(`apiserver_admission_webhook_admission_duration_seconds_count${labels},rejected="true"\\} 8`))
})

test('a webhook cannot change what is not its own to say', async (context) => {
  const { install, webhook, answer, api, create } = await scene(context)
  await install('Mutating', 'a', webhook('bold', { rules: [rule(['configmaps', 'pods', 'pods/status'], ['CREATE', 'UPDATE'])] }))
  const bold = (...more: object[]) =>
    patched(
      ...['name', 'namespace', 'uid', 'creationTimestamp'].map((field) => ({
        op: 'add',
        path: `/metadata/${field}`,
        value: '2020-01-01T00:00:00Z',
      })),
      ...more,
    )
  answer('bold', () => bold({ op: 'add', path: '/data', value: { changed: 'yes' } }))
  const { status, json } = await create('mine')
  const { name, namespace, uid } = json['metadata'] as Record<string, string>
  assert.deepEqual([status, name, namespace, uid!.length, json['data']], [201, 'mine', 'default', 36, { changed: 'yes' }])
  answer('bold', () => ({ allowed: true }))
  await api.request('POST', '/api/v1/namespaces/default/pods', pod('web'))
  answer('bold', () =>
    bold({ op: 'add', path: '/status/message', value: 'hm' }, { op: 'replace', path: '/spec/containers/0/image', value: 'evil' }),
  )
  const patch = { 'content-type': 'application/merge-patch+json' }
  const asStatus = await api.request('PATCH', '/api/v1/namespaces/default/pods/web/status', { status: { reason: 'x' } }, patch)
  type Web = { status: { message?: string; reason?: string }; spec: { containers: { image: string }[] } }
  const web = asStatus.json as unknown as Web
  assert.deepEqual([web.status.message, web.spec.containers[0]!.image], ['hm', 'nginx'], 'a status write changes the status')
  answer('bold', () =>
    patched({ op: 'add', path: '/status/message', value: 'new' }, { op: 'replace', path: '/spec/containers/0/image', value: 'good' }),
  )
  const asMain = (await api.request('PATCH', '/api/v1/namespaces/default/pods/web', { metadata: { labels: { a: 'b' } } }, patch))
    .json as unknown as Web
  assert.deepEqual([asMain.status.message, asMain.spec.containers[0]!.image], ['hm', 'good'], 'and no other write does')
})

test('connections, actions and dry runs are shown; configurations of webhooks are not', async (context) => {
  const { install, webhook, answer, askedOf, api, create, remove } = await scene(context)
  const everything = { rules: [rule(['*/*'], ['*'], ['*'])] }
  await api.request('POST', '/api/v1/namespaces/default/pods', pod('web'))
  await install('Validating', 'a', webhook('no', everything))
  await install('Mutating', 'a', webhook('also', everything))
  answer('no', ({ subResource, operation }) =>
    operation === 'CONNECT' || subResource === 'binding' ? refused(`no ${subResource} here`) : { allowed: true },
  )
  const attached = await api.request('POST', '/api/v1/namespaces/default/pods/web/attach?container=main&stdout=true')
  assert.match(attached.text, /admission webhook \\"no.example.com\\" denied the request: no attach here/)
  const [connect] = askedOf('no')
  assert.deepEqual(
    [connect.operation, connect.kind.kind, connect.object],
    ['CONNECT', 'PodAttachOptions', { apiVersion: 'v1', kind: 'PodAttachOptions', stdout: true, container: 'main' }],
  )
  assert.match((await api.request('GET', '/api/v1/namespaces/default/services/x/proxy/a')).text, /no proxy here/)
  const bound = await api.request('POST', '/api/v1/namespaces/default/pods/web/binding', { target: { kind: 'Node', name: 'n' } })
  assert.match(bound.text, /no binding here/)
  const binding = askedOf('no').at(-1)
  assert.deepEqual([binding.kind.kind, binding.resource.resource, binding.object.target.name], ['Binding', 'pods', 'n'])
  await create('dry', {}, `${MAPS}?dryRun=All`)
  const dry = askedOf('no').at(-1)
  assert.deepEqual([dry.dryRun, dry.options.dryRun], [true, ['All']])
  answer('no', () => refused('nothing at all'))
  await remove('Mutating', 'a')
  await remove('Validating', 'a')
  assert.equal(
    askedOf('no').some(({ resource }) => resource.group === 'admissionregistration.k8s.io'),
    false,
  )
})

test('a Service is asked at its endpoints, and every object of a collection is shown before it goes', async (context) => {
  const { install, webhook, answer, askedOf, api, create, hooks } = await scene(context)
  await api.request(
    'POST',
    '/api/v1/namespaces/default/services',
    service('hook', { selector: undefined, ports: [{ port: 8443, targetPort: 1 }] }),
  )
  const clientConfig = { service: { namespace: 'default', name: 'hook', port: 8443, path: '/svc' }, caBundle: hooks.caBundle }
  await install('Validating', 'a', webhook('svc', { clientConfig, rules: [rule(['configmaps'])] }))
  const early = await create('a')
  assert.match(
    early.text,
    /failed calling webhook \\"svc.example.com\\": failed to call webhook: Post .*hook.default.svc:8443\/svc\?timeout=20s.*no endpoints available/,
  )
  await api.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'hook-1', labels: { 'kubernetes.io/service-name': 'hook' } },
    ...{
      addressType: 'IPv4',
      ports: [{ port: hooks.port, name: '' }],
      endpoints: [{ addresses: [hooks.host], conditions: { ready: true } }],
    },
  })
  for (const name of ['a', 'b']) assert.equal((await create(name)).status, 201)
  answer('svc', ({ oldObject }) => (oldObject.metadata.name === 'b' ? refused('b stays') : { allowed: true }))
  const deleted = await api.request('DELETE', MAPS)
  assert.match(deleted.text, /b stays/)
  assert.deepEqual(
    askedOf('svc')
      .filter(({ operation }) => operation === 'DELETE')
      .map(({ name }) => name),
    ['a', 'b'],
  )
  assert.equal((await api.request('GET', `${MAPS}/a`)).status, 404)
  assert.equal((await api.request('GET', `${MAPS}/b`)).status, 200)
})

test('validating webhooks are asked at the same time', async (context) => {
  const { install, webhook, answer, create } = await scene(context)
  const names = ['one', 'two', 'three']
  await install('Validating', 'a', ...names.map((name) => webhook(name)))
  const waiting: (() => void)[] = []
  for (const name of names) {
    answer(name, (request, response) => {
      const said = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: request.uid, allowed: true } }
      waiting.push(() => response.end(JSON.stringify(said)))
      // Nobody is answered before all have been asked.
      if (waiting.length === names.length) for (const go of waiting) go()
      return undefined
    })
  }
  assert.equal((await create('a')).status, 201)
})
