import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startApi, type TestApi } from '../harness/api.ts'
import { pod, serviceAccount } from '../harness/bodies.ts'
import { type Kubectl, kubectlFor } from '../harness/kubectl.ts'

/** What a person sees of quotas, limits and disruption budgets. Their usage and counts are written by the test, in the controllers' place. */
const found = spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' })
const skip = found.status === 0 ? false : 'kubectl is not installed'
if (skip) process.stdout.write(`# skipped: ${skip}\n`)

let api: TestApi
let kubectl: Kubectl

before(async () => {
  if (skip) return
  api = await startApi({ listen: true })
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', serviceAccount('default'))
  kubectl = kubectlFor('kubectl', join(api.dataDir, 'credentials', 'admin.kubeconfig'))
})
after(() => api?.stop())

/** Replaces the status of an object. */
async function setStatus(path: string, status: object): Promise<void> {
  const { json } = await api.request('GET', path)
  const answer = await api.request('PUT', `${path}/status`, { ...json, status })
  assert.equal(answer.status, 200, answer.text)
}

test('a quota is made, seen and described, and refuses in its own words', { skip }, async () => {
  assert.match(await kubectl.ok('create quota small --hard=pods=1,requests.cpu=1,limits.cpu=2,count/deployments.apps=3'), /created/)
  assert.match(await kubectl.ok('create quota best-effort --hard=pods=5 --scopes=BestEffort'), /created/)
  assert.match(await kubectl.fails('create quota wrong --hard=potatoes=1'), /must be a standard resource for quota/)
  assert.match(await kubectl.fails('create quota wrong --hard=cpu=1 --scopes=BestEffort'), /unsupported scope applied to resource/)
  const hard = { pods: '1', 'requests.cpu': '1', 'limits.cpu': '2', 'count/deployments.apps': '3' }
  const used = { pods: '0', 'requests.cpu': '0', 'limits.cpu': '0', 'count/deployments.apps': '0' }
  await setStatus('/api/v1/namespaces/default/resourcequotas/small', { hard, used })
  const resources = { requests: { cpu: '250m' }, limits: { cpu: '500m' } }
  const asking = pod('asking', { containers: [{ name: 'main', image: 'x', resources }] })
  await kubectl.apply(JSON.stringify(asking))
  assert.match(await kubectl.ok('get quota small'), /count\/deployments.apps: 0\/3, pods: 1\/1, requests.cpu: 250m\/1 +limits.cpu: 500m\/2/)
  const described = await kubectl.ok('describe quota small')
  assert.match(described, /limits.cpu +500m +2\n/)
  assert.match(described, /pods +1 +1\n/)
  assert.match(await kubectl.ok('describe quota best-effort'), /Scopes: +BestEffort/)
  const second = { ...asking, metadata: { name: 'second' } }
  assert.match(
    await kubectl.fails('create -f -', { input: JSON.stringify(second) }),
    /pods "second" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1/,
  )
  const silent = await kubectl.fails('create -f -', { input: JSON.stringify(pod('silent')) })
  assert.match(silent, /failed quota: small: must specify limits.cpu for: main; requests.cpu for: main/)
  await kubectl.ok('delete quota --all')
  await kubectl.ok('delete pod asking --now')
})

test('limits are described, default what is not said, and bound what is', { skip }, async () => {
  const limits = [
    {
      type: 'Container',
      default: { cpu: '500m' },
      defaultRequest: { cpu: '100m' },
      max: { cpu: '1' },
      maxLimitRequestRatio: { cpu: '10' },
    },
  ]
  await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'bounds' }, spec: { limits } }))
  assert.match(await kubectl.ok('describe limits bounds'), /Container +cpu +- +1 +100m +500m +10/)
  assert.match(await kubectl.ok('get limits'), /NAME +CREATED AT\nbounds +\d{4}-\d\d-\d\dT/)
  await kubectl.apply(JSON.stringify(pod('defaulted')))
  const path = 'jsonpath={.spec.containers[0].resources.requests.cpu},{.spec.containers[0].resources.limits.cpu}'
  assert.equal(await kubectl.ok(['get', 'pod', 'defaulted', '-o', path]), '100m,500m')
  const greedy = pod('greedy', { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '1' }, limits: { cpu: '2' } } }] })
  assert.match(
    await kubectl.fails('create -f -', { input: JSON.stringify(greedy) }),
    /pods "greedy" is forbidden: maximum cpu usage per Container is 1, but limit is 2/,
  )
  await kubectl.ok('delete limits --all')
  await kubectl.ok('delete pod defaulted --now')
})

test('drain waits for a disruption budget, and goes on when it allows', { skip }, async () => {
  await api.request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'old' } })
  await kubectl.apply(JSON.stringify(pod('guarded', { nodeName: 'old' }, { labels: { app: 'guarded' } })))
  const podPath = '/api/v1/namespaces/default/pods/guarded'
  await setStatus(podPath, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] })
  assert.match(await kubectl.ok('create pdb guard --selector=app=guarded --min-available=1'), /created/)
  const budgetPath = '/apis/policy/v1/namespaces/default/poddisruptionbudgets/guard'
  const counts = { observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 }
  await setStatus(budgetPath, { ...counts, disruptionsAllowed: 0 })
  assert.match(await kubectl.ok('get pdb'), /guard +1 +N\/A +0 /)
  const drain = kubectl.start('drain old --force --timeout=60s')
  const said: string[] = []
  const ended = new Promise<number | null>((resolve) => drain.once('exit', resolve))
  drain.stdout?.on('data', (chunk: Buffer) => said.push(String(chunk)))
  await new Promise<void>((resolve) => {
    drain.stderr?.on('data', (chunk: Buffer) => {
      said.push(String(chunk))
      if (said.join('').includes('will retry after 5s')) resolve()
    })
    drain.once('exit', () => resolve())
  })
  assert.match(said.join(''), /Cannot evict pod as it would violate the pod's disruption budget/)
  assert.equal((await api.request('GET', podPath)).status, 200)
  const { metadata } = await api.client().list('v1', 'Pod', { namespace: 'default' })
  await setStatus(budgetPath, { ...counts, currentHealthy: 2, disruptionsAllowed: 1 })
  for await (const { object } of api.client().watch('v1', 'Pod', { namespace: 'default', resourceVersion: metadata.resourceVersion })) {
    if (object.metadata.name !== 'guarded' || object.metadata.deletionTimestamp === undefined) continue
    assert.equal(object.status.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason, 'EvictionByEvictionAPI')
    break
  }
  // There is no kubelet that would.
  await api.client().delete('v1', 'Pod', { namespace: 'default', name: 'guarded' }, { gracePeriodSeconds: 0 })
  assert.equal(await ended, 0, said.join(''))
  assert.match(said.join(''), /node\/old drained/)
  const { status } = await api.client().get('policy/v1', 'PodDisruptionBudget', { namespace: 'default', name: 'guard' })
  assert.equal(status.disruptionsAllowed, 0)
  assert.deepEqual(Object.keys(status.disruptedPods ?? {}), ['guarded'])
})
