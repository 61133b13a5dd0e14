import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { HorizontalPodAutoscaler as FirstVersion } from '../../shared/openapi/generated/autoscaling-v1.ts'
import type { HorizontalPodAutoscaler } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { startApi, type TestApi } from '../harness/api.ts'

const V1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers'
const V2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
const PREFIX = 'autoscaling.alpha.kubernetes.io'
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.stop())

const as = <T>(answer: { json: object }) => answer.json as T
const create = async (path: string, name: string, spec: object) => {
  const answer = await api.request('POST', path, { kind: 'HorizontalPodAutoscaler', metadata: { name }, spec })
  assert.equal(answer.status, 201, answer.text)
  return answer
}

const everything = {
  ...{ scaleTargetRef, minReplicas: 2, maxReplicas: 9 },
  metrics: [
    { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } },
    {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'app', target: { type: 'Utilization', averageUtilization: 70 } },
    },
    {
      type: 'Pods',
      pods: { metric: { name: 'packets', selector: { matchLabels: { a: 'b' } } }, target: { type: 'AverageValue', averageValue: '1k' } },
    },
    {
      type: 'Object',
      object: {
        describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' },
        ...{ metric: { name: 'hits' }, target: { type: 'Value', value: '2k' } },
      },
    },
    { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '30' } } },
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  ],
  behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
}

test('an autoscaler of the first version is the same object in the second, with the defaults of both', async () => {
  await create(V1, 'plain', { scaleTargetRef, maxReplicas: 5 })
  const { spec, status, metadata } = as<HorizontalPodAutoscaler>(await api.request('GET', `${V2}/plain`))
  assert.deepEqual([spec.minReplicas, spec.maxReplicas, metadata.annotations], [1, 5, undefined])
  assert.deepEqual(spec.metrics, [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }])
  assert.deepEqual(status, { desiredReplicas: 0, currentMetrics: [] })
  const first = as<FirstVersion>(await api.request('GET', `${V1}/plain`))
  assert.equal(first.apiVersion, 'autoscaling/v1')
  assert.equal(first.spec.targetCPUUtilizationPercentage, 80)
  assert.deepEqual(first.status, { currentReplicas: 0, desiredReplicas: 0 })
  assert.equal(first.metadata.resourceVersion, metadata.resourceVersion)
})

test('reading and writing back in the first version loses nothing of the second', async () => {
  await create(V2, 'everything', everything)
  const before = as<HorizontalPodAutoscaler>(await api.request('GET', `${V2}/everything`))
  const first = as<FirstVersion>(await api.request('GET', `${V1}/everything`))
  const { annotations = {} } = first.metadata
  assert.equal(first.spec.targetCPUUtilizationPercentage, 50)
  const metrics = JSON.parse(annotations[`${PREFIX}/metrics`] ?? '') as unknown[]
  assert.deepEqual(metrics[0], { type: 'Resource', resource: { name: 'memory', targetAverageValue: '100Mi' } })
  assert.deepEqual(metrics[3], {
    type: 'Object',
    object: { target: everything.metrics[3]?.object?.describedObject, metricName: 'hits', targetValue: '2k' },
  })
  const behavior = JSON.parse(annotations[`${PREFIX}/behavior`] ?? '') as { ScaleDown: { Policies: object[] } }
  assert.deepEqual(behavior.ScaleDown.Policies, [{ Type: 'Pods', Value: 1, PeriodSeconds: 60 }])
  const written = await api.request('PUT', `${V1}/everything`, first)
  assert.equal(written.status, 200, written.text)
  assert.deepEqual((await api.request('GET', `${V2}/everything`)).json, before, 'nothing was changed, and nothing was written')
})

test('a status of the second version is told in annotations of the first, and the percentage in its field', async () => {
  await create(V2, 'measured', { scaleTargetRef, maxReplicas: 3 })
  const stored = as<HorizontalPodAutoscaler>(await api.request('GET', `${V2}/measured`))
  const condition = { type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'SucceededGetScale' }
  const currentMetrics = [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12, averageValue: '24m' } } }]
  const status = { currentReplicas: 1, desiredReplicas: 2, currentMetrics, conditions: [condition] }
  assert.equal((await api.request('PUT', `${V2}/measured/status`, { ...stored, status })).status, 200)
  const first = as<FirstVersion>(await api.request('GET', `${V1}/measured`))
  assert.deepEqual(first.status, { currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 12 })
  assert.deepEqual(JSON.parse(first.metadata.annotations?.[`${PREFIX}/current-metrics`] ?? ''), [
    { type: 'Resource', resource: { name: 'cpu', currentAverageUtilization: 12, currentAverageValue: '24m' } },
  ])
  assert.deepEqual(JSON.parse(first.metadata.annotations?.[`${PREFIX}/conditions`] ?? ''), [condition])
  assert.equal((await api.request('PUT', `${V1}/measured/status`, first)).status, 200)
  assert.deepEqual(as<HorizontalPodAutoscaler>(await api.request('GET', `${V2}/measured`)).status, status)
})

test('a patch in the first version changes what it names in the stored one', async () => {
  await create(V2, 'patched', { ...everything, minReplicas: 1 })
  const merge = { 'content-type': 'application/merge-patch+json' }
  const answer = await api.request('PATCH', `${V1}/patched`, { spec: { targetCPUUtilizationPercentage: 33 } }, merge)
  assert.equal(as<FirstVersion>(answer).spec.targetCPUUtilizationPercentage, 33)
  const { spec } = as<HorizontalPodAutoscaler>(await api.request('GET', `${V2}/patched`))
  assert.equal(spec.metrics?.length, 6)
  assert.equal(spec.metrics?.find(({ resource }) => resource?.name === 'cpu')?.resource?.target.averageUtilization, 33)
})

test('watchers, lists, tables and deletes speak the version that was asked for', async () => {
  const client = api.client()
  const stop = new AbortController()
  const seen: string[] = []
  const { resourceVersion } = (await client.list('autoscaling/v1', 'HorizontalPodAutoscaler')).metadata
  const watch = async (version: 'autoscaling/v1' | 'autoscaling/v2') => {
    const options = { namespace: 'default', resourceVersion, signal: stop.signal }
    for await (const { type, object } of client.watch(version, 'HorizontalPodAutoscaler', options)) {
      seen.push(`${type} ${object.apiVersion} ${'targetCPUUtilizationPercentage' in object.spec}`)
      if (type === 'DELETED') return
    }
  }
  const watches = Promise.all([watch('autoscaling/v1'), watch('autoscaling/v2')])
  await create(V2, 'seen', { scaleTargetRef, maxReplicas: 3 })
  for (const [path, version] of [
    [V1, 'autoscaling/v1'],
    [V2, 'autoscaling/v2'],
  ] as const) {
    const list = as<{ apiVersion: string; items: { apiVersion: string }[] }>(await api.request('GET', path))
    assert.deepEqual([list.apiVersion, ...new Set(list.items.map((item) => item.apiVersion))], [version, version])
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const table = as<{ rows: { cells: unknown[]; object: { apiVersion: string } }[] }>(
      await api.request('GET', `${path}/seen?includeObject=Object`, undefined, { accept }),
    )
    assert.equal(table.rows[0]?.object.apiVersion, version)
    assert.deepEqual(table.rows[0]?.cells.slice(0, 6), ['seen', 'Deployment/web', 'cpu: <unknown>/80%', '1', 3, 0])
  }
  assert.equal((await api.request('DELETE', `${V1}/seen`)).status, 200)
  await watches
  stop.abort()
  assert.deepEqual(seen.sort(), [
    ...['ADDED autoscaling/v1 true', 'ADDED autoscaling/v2 false'],
    ...['DELETED autoscaling/v1 true', 'DELETED autoscaling/v2 false'],
  ])
})

test('annotations that nobody can read are as if they were not there, and wrong types in them are refused', async () => {
  const make = (name: string, annotations: Record<string, string>) => ({
    ...{ kind: 'HorizontalPodAutoscaler', metadata: { name, annotations }, spec: { scaleTargetRef, maxReplicas: 2 } },
  })
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  for (const text of ['no json', '{}', '7', deep]) {
    const annotations = { [`${PREFIX}/metrics`]: text, [`${PREFIX}/behavior`]: text, [`${PREFIX}/conditions`]: text }
    const { status, text: answer } = await api.request('POST', V1, make(`odd-${text.length}`, annotations))
    assert.ok(status === 201 || status === 400 || status === 422, `${text.slice(0, 9)}: ${status} ${answer.slice(0, 200)}`)
  }
  const wrong = await api.request('POST', V1, make('wrong', { [`${PREFIX}/behavior`]: '{"ScaleUp":{"Policies":"all"}}' }))
  assert.equal(wrong.status, 400)
  assert.match(wrong.text, /policies/)
})

test('mistakes are answered with upstream’s fields and words', async () => {
  const refuse = async (spec: object, ...sentences: string[]) => {
    const { status, text } = await api.request('POST', V2, { kind: 'HorizontalPodAutoscaler', metadata: { name: 'bad' }, spec })
    assert.equal(status, 422, text)
    for (const sentence of sentences) assert.ok(text.includes(sentence), `${sentence} is not in ${text}`)
  }
  await refuse(
    { scaleTargetRef: { kind: '', name: 'a/b' }, minReplicas: 0, maxReplicas: -1 },
    'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
    'spec.maxReplicas: Invalid value: -1: must be greater than 0',
    'must be greater than or equal to `minReplicas`',
    'spec.scaleTargetRef.kind: Required value',
    "may not contain '/'",
    'apiVersion must specify API group',
    'must specify at least one Object or External metric to support scaling to zero replicas',
  )
  await refuse(
    {
      ...{ scaleTargetRef, maxReplicas: 3 },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } },
        { type: 'Pods', object: { describedObject: scaleTargetRef, metric: { name: '' }, target: { type: 'Value', value: '0' } } },
        { type: 'Odd' },
        { type: 'ContainerResource', containerResource: { name: 'cpu', container: '', target: { type: 'Value', averageUtilization: 0 } } },
      ],
    },
    'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
    'spec.metrics[1].object.metric.name: Required value: must specify a metric name',
    'spec.metrics[1].pods: Required value: must populate information for the given metric source',
    'spec.metrics[2].type: Unsupported value: \\"Odd\\": supported values: \\"ContainerResource\\", \\"External\\"',
    'spec.metrics[3].containerResource.container: Required value: must specify a container',
  )
  const policies = [{ type: 'Some', value: 0, periodSeconds: 1801 }]
  await refuse(
    {
      ...{ scaleTargetRef, maxReplicas: 3 },
      behavior: { scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: 'Any', tolerance: '-1', policies } },
    },
    'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
    'spec.behavior.scaleUp.selectPolicy: Unsupported value: \\"Any\\"',
    'spec.behavior.scaleUp.policies[0].type: Unsupported value: \\"Some\\": supported values: \\"Percent\\", \\"Pods\\"',
    'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
    'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
    'spec.behavior.scaleUp.tolerance: Invalid value: \\"-1\\": must be greater than or equal to 0',
  )
})
