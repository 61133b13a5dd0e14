import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { User } from '../../apiserver/authn/user.ts'
import type { NodeMetrics, PodMetrics } from '../../shared/openapi/generated/metrics-v1beta1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { node, pod } from '../harness/bodies.ts'

const NODES = '/apis/metrics.k8s.io/v1beta1/nodes'
const PODS = '/apis/metrics.k8s.io/v1beta1/pods'
const inDefault = '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods'

const clock = manualClock(Date.parse('2026-01-01T00:00:00Z'))
const start = clock.now()
const asked: string[] = []
let api: TestApi

/** Each node uses half a core, each container a tenth; `liar` also speaks of pods that are not its own. */
async function scrapeNode(name: string): Promise<string> {
  asked.push(name)
  if (name === 'down') throw new Error('connection refused')
  const at = clock.now()
  const seconds = (at - start) / 1000
  const own = name === 'liar' ? ['default/web'] : name === 'n1' ? ['default/web', 'other/api'] : []
  return [
    `node_cpu_usage_seconds_total ${seconds / 2} ${at}`,
    `node_memory_working_set_bytes 1048576 ${at}`,
    ...own.flatMap((path) => {
      const [namespace, name] = path.split('/')
      return ['main', 'side'].flatMap((container) => {
        const labels = `{container="${container}",namespace="${namespace}",pod="${name}"}`
        return [
          `container_cpu_usage_seconds_total${labels} ${seconds / 10} ${at}`,
          `container_memory_working_set_bytes${labels} 524288 ${at}`,
        ]
      })
    }),
  ].join('\n')
}

before(async () => {
  api = await startApi({ clock, parts: { scrapeNode } })
  for (const name of ['n1', 'down', 'liar', 'lost']) {
    const made = await api.request('POST', '/api/v1/nodes', {
      ...node(name),
      metadata: { name, labels: { zone: name === 'n1' ? 'a' : 'b' } },
    })
    assert.equal(made.status, 201, made.text)
  }
  const lost = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }
  const merge = { 'content-type': 'application/merge-patch+json' }
  await api.request('PATCH', '/api/v1/nodes/lost/status', lost, merge)
  await api.request('POST', '/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'other' } })
  for (const [namespace, name, phase] of [
    ['default', 'web', 'Running'],
    ['other', 'api', 'Running'],
    ['default', 'waiting', 'Pending'],
  ] as const) {
    const path = `/api/v1/namespaces/${namespace}/pods`
    await api.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
    const made = await api.request('POST', path, pod(name, { nodeName: 'n1' }, { labels: { app: name } }))
    assert.equal(made.status, 201, made.text)
    assert.equal((await api.request('PATCH', `${path}/${name}/status`, { status: { phase } }, merge)).status, 200)
  }
})
after(() => api.stop())

/** An answer that may take two looks. */
async function get(path: string, headers?: Record<string, string>, user?: User): Promise<Answer> {
  const answer = api.request('GET', path, undefined, headers, user)
  await clock.advance(1_500)
  return answer
}
const items = <T>(answer: Answer) => (answer.json as unknown as { items: T[] }).items

test('nodes are answered with what they use; those that say nothing are left out, those that are lost are not asked', async () => {
  assert.equal(asked.length, 0)
  const answer = await get(NODES)
  const found = items<NodeMetrics>(answer)
  assert.deepEqual(answer.json['kind'], 'NodeMetricsList')
  assert.deepEqual(found.map(({ metadata }) => metadata.name).sort(), ['liar', 'n1'])
  const n1 = found.find(({ metadata }) => metadata.name === 'n1')
  assert.deepEqual([n1?.usage, n1?.window, n1?.metadata.labels?.['zone']], [{ cpu: '500m', memory: '1024Ki' }, '1.5s', 'a'])
  assert.equal(asked.includes('lost'), false)
  assert.deepEqual(items<NodeMetrics>(await get(`${NODES}?labelSelector=zone%3Da`)).length, 1)
})

test('pods are answered by namespace, label and name, with each container; only running ones, and only by their own node', async () => {
  asked.length = 0
  const all = items<PodMetrics>(await get(PODS))
  assert.deepEqual(all.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort(), ['default/web', 'other/api'])
  assert.deepEqual(new Set(asked), new Set(asked.length > 0 ? ['n1'] : []), 'only the nodes that have such pods are asked')
  assert.deepEqual(items<PodMetrics>(await get(`${inDefault}?labelSelector=app%3Dapi`)), [])
  const one = (await get(`${inDefault}/web`)).json as unknown as PodMetrics
  assert.equal(one.kind, 'PodMetrics')
  assert.deepEqual(
    one.containers.map(({ name, usage }) => [name, usage['cpu'], usage['memory']]),
    [
      ['main', '100m', '512Ki'],
      ['side', '100m', '512Ki'],
    ],
  )
})

test('what is not there, or not measured, is not found', async () => {
  for (const [path, sentence] of [
    [`${inDefault}/nobody`, /pods \\"nobody\\" not found/],
    [`${inDefault}/waiting`, /pods.metrics.k8s.io \\"waiting\\" not found/],
    [`${NODES}/down`, /nodes.metrics.k8s.io \\"down\\" not found/],
  ] as const) {
    const { status, text } = await get(path)
    assert.equal(status, 404, text)
    assert.match(text, sentence)
  }
  for (const [method, path] of [
    ['POST', inDefault],
    ['DELETE', `${inDefault}/web`],
    ['GET', `${inDefault}?watch=true`],
  ] as const)
    assert.equal((await api.request(method, path, method === 'POST' ? {} : undefined)).status, 405, `${method} ${path}`)
})

test('tables and YAML are answered, too', async () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const { rows } = (await get(inDefault, { accept })).json as unknown as { rows: { cells: string[] }[] }
  assert.deepEqual(rows[0]?.cells.slice(0, 3), ['web', '200m', '1Mi'])
  assert.match((await get(inDefault, { accept: 'application/yaml' })).text, /kind: PodMetricsList/)
})

test('viewers of a namespace may read its pods’ usage, and nobody without a right may', async () => {
  const user = { name: 'reader', groups: ['system:authenticated'] }
  assert.equal((await get(inDefault, {}, user)).status, 403)
  const binding = {
    ...{ metadata: { name: 'reader' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'reader' }] },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  }
  assert.equal((await api.request('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', binding)).status, 201)
  assert.equal((await get(inDefault, {}, user)).status, 200)
  assert.equal((await get(PODS, {}, user)).status, 403)
  assert.equal((await get(NODES, {}, user)).status, 403)
})
