import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, node, pod, serviceAccount } from '../harness/bodies.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const MERGE = { 'content-type': 'application/merge-patch+json' }

interface Entry {
  manager: string
  operation: string
  apiVersion: string
  time: string
  fieldsType: string
  fieldsV1: Record<string, unknown>
  subresource?: string
}

let api: TestApi
before(async () => {
  api = await startApi()
  assert.equal((await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))).status, 201)
})
after(() => api.stop())

const metadataOf = (answer: Answer): Record<string, unknown> & { managedFields?: Entry[]; resourceVersion: string } => {
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
  return answer.json['metadata'] as ReturnType<typeof metadataOf>
}
const entriesOf = (answer: Answer): Entry[] => metadataOf(answer).managedFields ?? []
/** Who owns what, without times. */
const ownersOf = (answer: Answer): Record<string, unknown> =>
  Object.fromEntries(
    entriesOf(answer).map(({ manager, operation, subresource, fieldsV1 }) => [
      `${manager} ${operation}${subresource ? ` ${subresource}` : ''}`,
      fieldsV1,
    ]),
  )
const as = (program: string) => ({ 'user-agent': `${program}/v1 (test)` })

test('the creator owns what it said and what was filled in for it, but not what admission added', async () => {
  const made = await api.request('POST', PODS, pod('owned', {}, { labels: { app: 'web' } }), as('kubectl-create'))
  const [entry, ...others] = entriesOf(made)
  assert.deepEqual(others, [])
  assert.equal(entry?.time, metadataOf(made)['creationTimestamp'])
  assert.deepEqual(
    { ...entry, time: '' },
    {
      manager: 'kubectl-create',
      operation: 'Update',
      apiVersion: 'v1',
      time: '',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:containers': {
            'k:{"name":"main"}': {
              '.': {},
              'f:image': {},
              'f:imagePullPolicy': {},
              'f:name': {},
              'f:resources': {},
              'f:terminationMessagePath': {},
              'f:terminationMessagePolicy': {},
            },
          },
          'f:dnsPolicy': {},
          'f:enableServiceLinks': {},
          'f:restartPolicy': {},
          'f:schedulerName': {},
          'f:securityContext': {},
          'f:terminationGracePeriodSeconds': {},
        },
      },
    },
  )
  assert.deepEqual(entriesOf(await api.request('GET', `${PODS}/owned`)), [entry])
})

test('who changes a field takes it over; who takes it away leaves it to nobody', async () => {
  await api.request('POST', MAPS, configMap('taken', { data: { a: '1', b: '1' } }), as('first'))
  const patched = await api.request('PATCH', `${MAPS}/taken`, { data: { a: '2', c: '2' } }, { ...MERGE, ...as('second') })
  assert.deepEqual(ownersOf(patched), {
    'first Update': { 'f:data': { '.': {}, 'f:b': {} } },
    'second Update': { 'f:data': { 'f:a': {}, 'f:c': {} } },
  })
  const less = await api.request('PATCH', `${MAPS}/taken`, { data: { b: null } }, { ...MERGE, ...as('third') })
  assert.deepEqual(ownersOf(less), {
    'first Update': { 'f:data': {} },
    'second Update': { 'f:data': { 'f:a': {}, 'f:c': {} } },
  })
})

test('status, scale and the object have entries of their own', async () => {
  await api.request('POST', DEPLOYMENTS, deployment('parts'), as('maker'))
  await api.request('PATCH', `${DEPLOYMENTS}/parts/scale`, { spec: { replicas: 4 } }, { ...MERGE, ...as('scaler') })
  const answer = await api.request('PATCH', `${DEPLOYMENTS}/parts/status`, { status: { replicas: 4 } }, { ...MERGE, ...as('controller') })
  const owners = ownersOf(answer)
  assert.deepEqual(owners['scaler Update scale'], { 'f:spec': { 'f:replicas': {} } })
  assert.deepEqual(owners['controller Update status'], { 'f:status': { 'f:replicas': {} } })
  assert.equal(Object.hasOwn((owners['maker Update'] as { 'f:spec': object })['f:spec'], 'f:replicas'), false)
})

test('a write that changes nothing writes nothing, whoever sends it', async () => {
  const made = await api.request('POST', MAPS, configMap('same', { data: { a: '1' } }), as('first'))
  const again = await api.request('PUT', `${MAPS}/same`, configMap('same', { data: { a: '1' } }), as('second'))
  assert.deepEqual(metadataOf(again), metadataOf(made))
})

test('managers: the fieldManager asked for, else the program of the User-Agent; 128 printable characters', async () => {
  const named = await api.request('POST', `${MAPS}?fieldManager=me`, configMap('named', { data: { a: '1' } }), as('kubectl'))
  assert.equal(entriesOf(named)[0]?.manager, 'me')
  const long = await api.request('POST', MAPS, configMap('long', { data: { a: '1' } }), { 'user-agent': 'x'.repeat(200) })
  assert.equal(entriesOf(long)[0]?.manager, 'x'.repeat(128))
  const refused = await api.request('POST', `${MAPS}?fieldManager=${'x'.repeat(129)}`, configMap('refused'))
  assert.equal(refused.status, 422)
  assert.match(refused.text, /fieldManager: Too long: may not be more than 128 bytes/)
  assert.match(
    (await api.request('POST', `${MAPS}?fieldManager=a%07b`, configMap('refused'))).text,
    /invalid character U\+0007 \(at position 1\)/,
  )
})

test('managed fields that a client sends: kept, reset by one empty entry, not looked at where they cannot be read or go through a sub-resource', async () => {
  const made = await api.request('POST', DEPLOYMENTS, deployment('sent'), as('first'))
  const [first] = entriesOf(made)
  const put = (managedFields: unknown, path = '') =>
    api.request('PATCH', `${DEPLOYMENTS}/sent${path}`, { metadata: { managedFields } }, { ...MERGE, ...as('second') })
  for (const bad of [
    [{ ...first, fieldsType: 'FieldsV2' }],
    [{ ...first, operation: 'Both' }],
    [{ ...first, fieldsV1: { 'no colon': {} } }],
    [],
  ]) {
    assert.deepEqual(entriesOf(await put(bad)), [first])
  }
  assert.deepEqual(entriesOf(await put([{}], '/status')), [first])
  const smaller = { ...first, manager: 'other', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }
  assert.deepEqual(entriesOf(await put([smaller])), [smaller])
  assert.deepEqual(entriesOf(await put([{}])), [])
  // Nobody is put on record any more until somebody applies.
  const answer = await api.request('PATCH', `${DEPLOYMENTS}/sent`, { spec: { replicas: 7 } }, { ...MERGE, ...as('third') })
  assert.deepEqual(entriesOf(answer), [])
})

test('a JSON patch can look at managed fields, and take them away', async () => {
  await api.request('POST', MAPS, configMap('looked-at', { data: { a: '1' } }), as('first'))
  const patch = (operations: object[]) =>
    api.request('PATCH', `${MAPS}/looked-at`, operations, { 'content-type': 'application/json-patch+json', ...as('second') })
  const path = '/metadata/managedFields/0/fieldsV1/f:data/f:a'
  assert.equal((await patch([{ op: 'test', path, value: {} }])).status, 200)
  assert.equal((await patch([{ op: 'test', path: `${path}x`, value: {} }])).status, 422)
  assert.deepEqual(entriesOf(await patch([{ op: 'replace', path: '/metadata/managedFields', value: [{}] }])), [])
})

test('at most ten updaters are told apart; the oldest are put together', async () => {
  await api.request('POST', MAPS, configMap('many', { data: { all: '0' } }), as('creator'))
  let answer: Answer | undefined
  for (let index = 0; index < 14; index++) {
    answer = await api.request('PATCH', `${MAPS}/many`, { data: { [`key-${index}`]: '1' } }, { ...MERGE, ...as(`writer-${index}`) })
  }
  const managers = entriesOf(answer!).map(({ manager }) => manager)
  assert.equal(managers.length, 10)
  assert.ok(managers.includes('ancient-changes') && managers.includes('writer-13'))
  const owned = entriesOf(answer!).flatMap(({ fieldsV1 }) => Object.keys((fieldsV1 as { 'f:data': object })['f:data']))
  assert.deepEqual(
    owned.filter((key) => key !== '.').sort(),
    ['f:all', ...Array.from({ length: 14 }, (_, index) => `f:key-${index}`)].sort(),
  )
})

test('binding, and marks of deletion, leave the owners as they are', async () => {
  await api.request('POST', '/api/v1/nodes', node('holder'))
  const made = await api.request('POST', PODS, pod('bound'), as('first'))
  const target = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bound' }, target: { kind: 'Node', name: 'holder' } }
  assert.equal((await api.request('POST', `${PODS}/bound/binding`, target, as('kube-scheduler'))).status, 201)
  assert.deepEqual(entriesOf(await api.request('GET', `${PODS}/bound`)), entriesOf(made))
  assert.equal((await api.request('DELETE', `${PODS}/bound`)).status, 200)
  assert.deepEqual(entriesOf(await api.request('GET', `${PODS}/bound`)), entriesOf(made))
})

test('lists, tables and watches show them as everybody else does', async () => {
  const env = [{ name: 'A"]}\\B', value: '"managedFields":[{' }]
  const made = await api.request(
    'POST',
    PODS,
    pod('shown', { containers: [{ name: 'main', image: 'i', env }] }, { labels: { shown: 'yes' } }),
    as('first'),
  )
  const marked = await api.request('PATCH', `${PODS}/shown`, { metadata: { annotations: { a: '1' } } }, { ...MERGE, ...as('second') })
  const list = await api.request('GET', `${PODS}?labelSelector=shown`)
  const [item] = list.json['items'] as { metadata: unknown }[]
  assert.deepEqual(item?.metadata, marked.json['metadata'])
  const owners = ownersOf(marked)
  assert.deepEqual(owners['first Update'], entriesOf(made)[0]?.fieldsV1)
  assert.deepEqual(owners['second Update'], { 'f:metadata': { 'f:annotations': { '.': {}, 'f:a': {} } } })
  assert.match(made.text, /"f:env":\{"\.":\{\},"k:\{\\"name\\":\\"A\\\\\\"\]\}\\\\\\\\B\\"\}":\{/)
})

test('an object that is only too large with them is stored without them', async () => {
  const data = Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`${'k'.repeat(80)}-${index}`, 'v'.repeat(30)]))
  const made = await api.request('POST', MAPS, configMap('large', { data }), as('first'))
  assert.equal(made.status, 201, made.text.slice(0, 300))
  assert.deepEqual(entriesOf(made), [])
})
