import assert from 'node:assert/strict'
import test from 'node:test'
import { hasReason, type StatusError } from '../../shared/errors/status-error.ts'
import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { startApi } from '../harness/api.ts'
import { deployment, pod } from '../harness/bodies.ts'

const selector = { matchLabels: { app: 'web' } }

async function budgetOf(cluster: SimulatedCluster, name = 'web'): Promise<PodDisruptionBudget['status']> {
  return (await cluster.get('policy/v1', 'PodDisruptionBudget', name)).status
}

function evict(cluster: SimulatedCluster, name: string, deleteOptions?: object): Promise<unknown> {
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: 'default' },
    ...(deleteOptions ? { deleteOptions } : {}),
  }
  return cluster.client.createSubresource('v1', 'Pod', { namespace: 'default', name }, 'eviction', body)
}

const refused = (cause: RegExp) => (error: unknown) => {
  assert.ok(hasReason(error, 'TooManyRequests'), String(error))
  const { message, details } = error as StatusError
  assert.equal(message, "Cannot evict pod as it would violate the pod's disruption budget.")
  assert.equal(details?.causes?.[0]?.reason, 'DisruptionBudget')
  assert.match(details?.causes?.[0]?.message ?? '', cause)
  return true
}

async function threePods(context: test.TestContext, spec: PodDisruptionBudget['spec']): Promise<SimulatedCluster> {
  const cluster = await startSimulatedCluster(context, { nodes: 2 })
  const { client } = cluster
  await client.create(
    'policy/v1',
    'PodDisruptionBudget',
    { metadata: { name: 'web' }, spec: { selector, ...spec } },
    { namespace: 'default' },
  )
  await client.create(
    'apps/v1',
    'Deployment',
    { metadata: { name: 'web' }, spec: { ...deployment('web').spec, replicas: 3 } },
    { namespace: 'default' },
  )
  await cluster.until('three pods are healthy', async () => (await budgetOf(cluster)).currentHealthy === 3)
  return cluster
}

test('evictions go as far as the budget, then wait for replacements', async (context) => {
  const cluster = await threePods(context, { maxUnavailable: 1 })
  assert.deepEqual([(await budgetOf(cluster)).expectedPods, (await budgetOf(cluster)).disruptionsAllowed], [3, 1])
  const names = (await cluster.pods()).map(({ metadata }) => metadata.name!)
  const answers = await Promise.allSettled(names.map((name) => evict(cluster, name)))
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const answer of answers) if (answer.status === 'rejected') refused(/web needs 2 healthy pods and has 3 currently/)(answer.reason)
  const evicted = names[answers.findIndex(({ status }) => status === 'fulfilled')]!
  await cluster.until('the evicted pod is replaced, and the next may go', async () => {
    const now = await cluster.pods()
    return now.length === 3 && !now.some(({ metadata }) => metadata.name === evicted) && (await budgetOf(cluster)).disruptionsAllowed === 1
  })
  assert.equal((await budgetOf(cluster)).disruptedPods, undefined)
})

test('an evicted pod says why it ends', async (context) => {
  const cluster = await threePods(context, { minAvailable: 2 })
  const name = (await cluster.pods())[0]!.metadata.name!
  const seen: unknown[] = []
  const stop = new AbortController()
  const { metadata } = await cluster.client.list('v1', 'Pod', { namespace: 'default' })
  const watching = (async () => {
    const options = { namespace: 'default', resourceVersion: metadata.resourceVersion, signal: stop.signal }
    for await (const { object } of cluster.client.watch('v1', 'Pod', options)) {
      const condition = object.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
      if (object.metadata.name === name && condition) seen.push([condition.status, condition.reason, condition.message])
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  await evict(cluster, name)
  await cluster.until('the condition was seen', () => seen.length > 0)
  stop.abort()
  await watching
  assert.deepEqual(seen[0], ['True', 'EvictionByEvictionAPI', 'Eviction API: evicting'])
})

test('dry runs ask the budget and take nothing; preconditions are kept; two budgets are one too many', async (context) => {
  const cluster = await threePods(context, { minAvailable: '60%' })
  const pods = await cluster.pods()
  const [first, second] = pods.map(({ metadata }) => metadata.name!)
  assert.equal((await budgetOf(cluster)).disruptionsAllowed, 1)
  await evict(cluster, first!, { dryRun: ['All'] })
  assert.equal((await cluster.pods()).length, 3)
  assert.equal((await budgetOf(cluster)).disruptionsAllowed, 1)
  await assert.rejects(evict(cluster, first!, { preconditions: { uid: 'another' } }), (error) => hasReason(error, 'Conflict'))
  assert.equal((await budgetOf(cluster)).disruptionsAllowed, 1)
  const other = { metadata: { name: 'other' }, spec: { selector, minAvailable: 1 } }
  await cluster.client.create('policy/v1', 'PodDisruptionBudget', other, { namespace: 'default' })
  await assert.rejects(evict(cluster, second!), /more than one PodDisruptionBudget, which the eviction subresource does not support/)
})

test('pods that are not ready go without asking where the policy says so, else only while the others are enough', async (context) => {
  const api = await startApi({}, context)
  const client = api.client()
  await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: 'default' })
  const make = async (unhealthyPodEvictionPolicy: string | undefined, status: object) => {
    const metadata = { name: 'web', labels: { app: 'web' } }
    await client.create('v1', 'Pod', { ...pod('web'), metadata }, { namespace: 'default' })
    await api.request(
      'PATCH',
      '/api/v1/namespaces/default/pods/web/status',
      { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } },
      { 'content-type': 'application/strategic-merge-patch+json' },
    )
    const spec = { selector, minAvailable: 2, ...(unhealthyPodEvictionPolicy ? { unhealthyPodEvictionPolicy } : {}) }
    const made = await client.create('policy/v1', 'PodDisruptionBudget', { metadata: { name: 'web' }, spec }, { namespace: 'default' })
    const counts = { observedGeneration: 1, disruptionsAllowed: 0, expectedPods: 3, desiredHealthy: 2, currentHealthy: 1, ...status }
    await client.updateStatus('policy/v1', 'PodDisruptionBudget', { ...made, status: counts })
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } }
    const answer = await api.request('POST', '/api/v1/namespaces/default/pods/web/eviction', body)
    await client.delete('policy/v1', 'PodDisruptionBudget', { namespace: 'default', name: 'web' })
    if (answer.status !== 201) await client.delete('v1', 'Pod', { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
    return answer.status
  }
  assert.equal(await make(undefined, {}), 429)
  assert.equal(await make('IfHealthyBudget', {}), 429)
  assert.equal(await make('IfHealthyBudget', { currentHealthy: 2 }), 201)
  assert.equal(await make('AlwaysAllow', {}), 201)
  assert.equal(await make('AlwaysAllow', { observedGeneration: 0 }), 201)
})

test('old clients evict in policy/v1beta1; no other version is taken', async (context) => {
  const api = await startApi({}, context)
  const client = api.client()
  await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: 'default' })
  await client.create('v1', 'Pod', pod('web'), { namespace: 'default' })
  const evictIn = (apiVersion: string) =>
    api.request('POST', '/api/v1/namespaces/default/pods/web/eviction', { apiVersion, kind: 'Eviction', metadata: { name: 'web' } })
  const refusal = await evictIn('policy/v2')
  assert.equal(refusal.status, 400)
  assert.equal(refusal.json.message, 'the API version in the data (policy/v2) does not match the expected API version (policy/v1)')
  assert.equal((await evictIn('policy/v1beta1')).status, 201)
})

test('a budget whose pods have a controller that nobody knows allows nothing, and says why', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  const { client } = cluster
  const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Zoo', name: 'zoo', uid: 'zoo', controller: true }]
  // Collected as soon as its owner is found to be missing: the budget is there first.
  await client.create(
    'policy/v1',
    'PodDisruptionBudget',
    { metadata: { name: 'web' }, spec: { selector, maxUnavailable: 1 } },
    { namespace: 'default' },
  )
  await client.create(
    'v1',
    'Pod',
    { ...pod('web'), metadata: { name: 'web', labels: { app: 'web' }, ownerReferences, finalizers: ['example.com/stay'] } },
    { namespace: 'default' },
  )
  await cluster.until('the failure is told', async () => (await budgetOf(cluster)).conditions?.[0]?.reason === 'SyncFailed')
  assert.match((await budgetOf(cluster)).conditions?.[0]?.message ?? '', /found no controllers for pod "web"/)
})
