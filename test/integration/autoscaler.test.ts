import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { HorizontalPodAutoscaler } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment } from '../harness/workloads.ts'

type Spec = Partial<HorizontalPodAutoscaler['spec']>

/** A cluster whose pods use `load` millicores each, as their kubelets would say; undefined: the kubelets are silent. */
async function autoscaled(context: TestContext) {
  const work = { load: 100 as number | undefined, meddle: async () => {} }
  let cluster: SimulatedCluster | undefined
  const used = new Map<string, number>()
  let last = 0
  const scrapeNode = async (name: string) => {
    if (!cluster || work.load === undefined) throw new Error('connection refused')
    await work.meddle()
    const now = cluster.clock.now()
    const pods = (await cluster.list('v1', 'Pod', undefined)).filter(
      ({ spec, status }) => spec.nodeName === name && status.phase === 'Running',
    )
    const since = last === 0 ? 0 : now - last
    for (const { metadata } of await cluster.list('v1', 'Pod', undefined)) {
      const uid = metadata.uid ?? ''
      used.set(uid, (used.get(uid) ?? 0) + (since / 1000) * (work.load / 1000))
    }
    last = now
    return pods
      .flatMap(({ metadata, status }) => {
        const labels = `{container="main",namespace="${metadata.namespace}",pod="${metadata.name}"}`
        const start = Date.parse(status.startTime ?? '') / 1000
        return [
          `container_cpu_usage_seconds_total${labels} ${used.get(metadata.uid ?? '') ?? 0} ${now}`,
          `container_memory_working_set_bytes${labels} 33554432 ${now}`,
          `container_start_time_seconds${labels} ${start}`,
        ]
      })
      .join('\n')
  }
  cluster = await startSimulatedCluster(context, { nodes: 1, scrapeNode })
  const { client } = cluster
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu: '200m', memory: '64Mi' } } }] },
  }
  await client.create('apps/v1', 'Deployment', deployment('web', 1, { template }))
  const running = cluster
  const create = (spec: Spec, name = 'web') =>
    client.create('autoscaling/v2', 'HorizontalPodAutoscaler', {
      metadata: { name, namespace: 'default' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 6, ...spec },
    })
  const autoscaler = (name = 'web') => running.get('autoscaling/v2', 'HorizontalPodAutoscaler', name)
  const replicas = async () => (await running.get('apps/v1', 'Deployment', 'web')).spec.replicas
  const condition = async (type: string, name = 'web') => {
    const found = (await autoscaler(name)).status.conditions?.find((each) => each.type === type)
    return found && `${found.status} ${found.reason} ${found.message}`
  }
  return { cluster, work, create, autoscaler, replicas, condition }
}

const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})
/** Fast in both directions. */
const nimble = {
  scaleUp: { stabilizationWindowSeconds: 0 },
  scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 2, periodSeconds: 15 }] },
}

test('load brings replicas, and when it is gone they go, at the pace that the behaviour allows', async (context) => {
  const { cluster, work, create, autoscaler, replicas, condition } = await autoscaled(context)
  await create({ metrics: [cpu(50)], behavior: nimble })
  await cluster.until('measured', async () => (await condition('ScalingActive'))?.startsWith('True ValidMetricFound'), 600_000, 5_000)
  assert.equal(
    await condition('ScalingActive'),
    'True ValidMetricFound the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
  )
  assert.equal(await replicas(), 1)
  assert.deepEqual((await autoscaler()).status.currentMetrics, [
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 50, averageValue: '100m' } } },
  ])
  work.load = 400
  await cluster.until('as many as may be', async () => (await replicas()) === 6, 600_000, 5_000)
  assert.match((await condition('AbleToScale')) ?? '', /^True (SucceededRescale|ReadyForNewScale)/)
  assert.match(
    (await cluster.eventMessages('SuccessfulRescale')).join('\n'),
    /New size: \d; reason: cpu resource utilization \(percentage of request\) above target/,
  )
  await cluster.until(
    'held by the most',
    async () => (await condition('ScalingLimited'))?.startsWith('True TooManyReplicas'),
    600_000,
    5_000,
  )
  work.load = 0
  const sizes = new Set<number>()
  await cluster.until(
    'one again',
    async () => {
      sizes.add((await replicas()) ?? 0)
      return (await replicas()) === 1
    },
    600_000,
    2_000,
  )
  for (const size of [6, 4, 2]) assert.ok(sizes.has(size), `by two at a time: ${[...sizes].join(' ')}`)
  assert.match((await cluster.eventMessages('SuccessfulRescale')).join('\n'), /New size: 4; reason: All metrics below target/)
  assert.ok((await autoscaler()).status.lastScaleTime)
})

test('what cannot be measured leaves the size alone, and says why', async (context) => {
  const { cluster, work, create, replicas, condition } = await autoscaled(context)
  work.load = undefined
  await create({ metrics: [cpu(50)] })
  await cluster.until('no metrics', async () => (await condition('ScalingActive'))?.startsWith('False'), 600_000, 5_000)
  assert.equal(
    await condition('ScalingActive'),
    'False FailedGetResourceMetric the HPA was unable to compute the replica count: failed to get cpu utilization: ' +
      'unable to get metrics for resource cpu: no metrics returned from resource metrics API',
  )
  assert.match(
    (await cluster.eventMessages('FailedComputeMetricsReplicas')).join('\n'),
    /^invalid metrics \(1 invalid out of 1\), first error is: failed/m,
  )
  assert.equal(await replicas(), 1)
  work.load = 400
  await cluster.until('measured at last', async () => ((await replicas()) ?? 0) > 1, 900_000, 5_000)
})

test('bounds, a target of zero, one that has no scale and one that is not there', async (context) => {
  const { cluster, create, replicas, condition } = await autoscaled(context)
  const { client } = cluster
  await create({ metrics: [cpu(50)], minReplicas: 3 })
  await cluster.until('at least three', async () => (await replicas()) === 3, 60_000, 1_000)
  const web = { namespace: 'default', name: 'web' }
  await client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { replicas: 0 } } })
  await cluster.until('off', async () => (await condition('ScalingActive'))?.startsWith('False ScalingDisabled'), 60_000, 1_000)
  await cluster.watchFor(40_000, async () => assert.equal(await replicas(), 0), 5_000)
  await create({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nobody' } }, 'lost')
  await create({ scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w' } }, 'unknown')
  await create({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd' } }, 'scaleless')
  const refusals: [string, RegExp][] = [
    ['lost', /^False FailedGetScale the HPA controller was unable to get the target's current scale: deployments.apps "nobody" not found$/],
    ['unknown', /^False FailedGetScale .*: no matches for kind "Widget" in group "example.com"$/],
    ['scaleless', /^False FailedGetScale .*: the server could not find the requested resource/],
  ]
  for (const [name, sentence] of refusals) {
    await cluster.until(`${name} is told`, async () => (await condition('AbleToScale', name)) !== undefined, 60_000, 1_000)
    assert.match((await condition('AbleToScale', name)) ?? '', sentence)
  }
})

test('custom and external metrics that nobody serves are said so, and hold the size', async (context) => {
  const { cluster, create, condition, replicas } = await autoscaled(context)
  const target = { type: 'AverageValue', averageValue: '10' }
  const cases = [
    { type: 'Pods', pods: { metric: { name: 'packets' }, target } },
    {
      type: 'Object',
      object: {
        metric: { name: 'hits' },
        describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' },
        target: { type: 'Value', value: '5' },
      },
    },
    { type: 'External', external: { metric: { name: 'queue' }, target } },
  ]
  const wanted = [
    /^False FailedGetPodsMetric .*: unable to get metric packets: unable to fetch metrics from custom metrics API: no custom metrics API \(custom.metrics.k8s.io\) registered$/,
    /^False FailedGetObjectMetric .*: unable to get metric hits: Service default\/s unable to fetch metrics from custom metrics API: no custom/,
    /^False FailedGetExternalMetric .*: unable to get external metric default\/queue\/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource/,
  ]
  for (const [index, metric] of cases.entries()) {
    const name = `m${index}`
    await create({ metrics: [metric] }, name)
    await cluster.until('told', async () => (await condition('ScalingActive', name)) !== undefined, 60_000, 1_000)
    assert.match((await condition('ScalingActive', name)) ?? '', wanted[index]!)
    await cluster.client.delete('autoscaling/v2', 'HorizontalPodAutoscaler', { namespace: 'default', name })
    await cluster.clock.advance(1_000)
  }
  assert.equal(await replicas(), 1)
})

test('two that pull at the same pods are both told, and neither pulls', async (context) => {
  const { cluster, work, create, replicas, condition } = await autoscaled(context)
  await create({ metrics: [cpu(50)] }, 'one')
  await cluster.until('the first works', async () => (await condition('ScalingActive', 'one'))?.startsWith('True'), 600_000, 5_000)
  await create({ metrics: [cpu(50)] }, 'two')
  for (const name of ['one', 'two']) {
    await cluster.until(`${name} is told`, async () => (await condition('ScalingActive', name))?.startsWith('False'), 120_000, 1_000)
    assert.equal(
      await condition('ScalingActive', name),
      'False AmbiguousSelector pods by selector app=web are controlled by multiple HPAs: [default/one default/two]',
    )
  }
  work.load = 900
  await cluster.watchFor(60_000, async () => assert.equal(await replicas(), 1), 5_000)
  await cluster.client.delete('autoscaling/v2', 'HorizontalPodAutoscaler', { namespace: 'default', name: 'two' })
  await cluster.until('one may pull again', async () => ((await replicas()) ?? 0) > 1, 120_000, 1_000)
})

test('memory, one container, and the larger of two wishes', async (context) => {
  const { cluster, create, replicas, autoscaler } = await autoscaled(context)
  const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '16Mi' } } }
  const container = {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 90 } },
  }
  await create({ metrics: [container, memory], maxReplicas: 3 })
  await cluster.until('as the larger one wishes', async () => (await replicas()) === 3, 900_000, 5_000)
  const { currentMetrics } = (await autoscaler()).status
  assert.deepEqual(currentMetrics?.[1], { type: 'Resource', resource: { name: 'memory', current: { averageValue: '33554432' } } })
  assert.equal(currentMetrics?.[0]?.containerResource?.container, 'main')
})

test('an API server that crashes in the middle costs a look, and nobody is scaled by what is not known', async (context) => {
  const { cluster, work, create, replicas, condition } = await autoscaled(context)
  await create({ metrics: [cpu(50)], behavior: nimble })
  work.load = 400
  await cluster.until('it grows', async () => ((await replicas()) ?? 0) > 1, 600_000, 5_000)
  const before = (await replicas()) ?? 0
  work.load = undefined
  await cluster.restartApi()
  await cluster.until('told', async () => (await condition('ScalingActive'))?.startsWith('False FailedGetResourceMetric'), 300_000, 5_000)
  assert.ok(((await replicas()) ?? 0) >= before, 'unknown is no reason to shrink')
  work.load = 400
  await cluster.until('all of them', async () => (await replicas()) === 6, 600_000, 5_000)
})

test('somebody else’s size is not overwritten: who loses the race is told, and looks again', async (context) => {
  const { cluster, work, create, replicas, condition } = await autoscaled(context)
  let isFirst = true
  const { client } = cluster
  // Between the look and the write another hand labels the Deployment: the Scale that was read is an old one.
  const meddle = async () => {
    if (!isFirst) return
    isFirst = false
    await client.patch(
      'apps/v1',
      'Deployment',
      { namespace: 'default', name: 'web' },
      { type: 'merge', body: { metadata: { labels: { other: 'hand' } } } },
    )
  }
  work.meddle = meddle
  work.load = 400
  await create({ metrics: [cpu(50)], behavior: nimble })
  await cluster.until('grown all the same', async () => ((await replicas()) ?? 0) > 1, 600_000, 5_000)
  const failures = await cluster.eventMessages('FailedRescale')
  assert.match(failures[0] ?? '', /New size: \d; reason: .*; error: .*the object has been modified/)
  assert.match((await condition('AbleToScale')) ?? '', /^True/)
  assert.equal(isFirst, false)
})
