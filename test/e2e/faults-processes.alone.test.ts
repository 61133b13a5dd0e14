/** Every process may be killed at any moment: what runs goes on running, what was under way is finished, nothing is doubled. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { isReady, type PodContainer, useCluster } from './cluster.ts'
import { killProcesses, untilServing, type Victim } from './faults.ts'
import { askerPod, idleDeployment } from './traffic.ts'

const cluster = await useCluster('faults-processes')
const { kubectl, clock } = cluster

/** Rolled out again and again; small, so that a rollout takes seconds. */
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: nginx
          image: nginx:1.27
          readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`

const idle = async () => new Map([...(await cluster.containerIds())].filter(([name]) => /^(idle-|asker)/.test(name)))

before(async () => {
  await kubectl.apply(web)
  await kubectl.apply(idleDeployment('idle', 4))
  await kubectl.apply(askerPod('asker'))
  await kubectl.ok('rollout status deployment/web --timeout=60s')
  await kubectl.ok('rollout status deployment/idle --timeout=60s')
  await kubectl.ok('wait pod asker --for=condition=Ready --timeout=30s')
})

let round = 0

/** Begins a rollout, lets the fault happen in the middle of it, and sees that all is as if nothing had happened. */
async function rolloutDuring(fault: () => Promise<void>, asks = 1): Promise<void> {
  const generation = `${++round}`
  const untouched = await idle()
  assert.equal(untouched.size, 5)
  await kubectl.ok(`set env deployment/web ROUND=${generation}`)
  const started = clock.monotonic()
  await fault()
  await untilServing(cluster)
  // Only the newest pods, as many as asked for, all ready.
  const isNew = (value: string | undefined) => value === generation
  await cluster.pods(
    'app=web',
    2,
    (pod) => isReady(pod) && isNew(pod.spec.containers[0]?.env?.find(({ name }) => name === 'ROUND')?.value),
    90_000,
  )
  assert.match(await kubectl.ok('rollout status deployment/web --timeout=60s'), /successfully rolled out/)
  cluster.note(`finished ${((clock.monotonic() - started) / 1000).toFixed(1)} s after it began`)
  assert.deepEqual(await idle(), untouched, 'containers that had nothing to do with it were not touched')
  const counts = await kubectl.ok('get replicasets -o jsonpath={.items[*].spec.replicas}')
  assert.equal(
    counts.split(' ').reduce((sum, count) => sum + Number(count), 0),
    6,
    'two of web and four idle, no more',
  )
  const hosts = [...(await cluster.workers()).keys()]
  const running: PodContainer[] = (await Promise.all(hosts.map(cluster.containersOn))).flat().filter(({ pod }) => pod.startsWith('web-'))
  assert.equal(new Set(running.map(({ pod }) => pod)).size, running.length, 'no container twice')
  const ask = () => cluster.inPod('asker', 'wget -qO- -T 5 http://web/')
  for (let left = asks; ; left--) {
    try {
      assert.match(await ask(), /nginx/i)
      return
    } catch (error) {
      if (left <= 1) throw error
    }
  }
}

const everything: Victim[] = [
  'apiserver',
  'controller-manager',
  'cloud-controller-manager',
  'scheduler',
  'kubelet',
  'kube-proxy',
  'dns',
  'dockerd',
]

for (const victim of everything) {
  // The rules of a proxy that was killed lead to the pods of before until it is back: whoever asks meanwhile may have to ask again.
  const asks = victim === 'kube-proxy' ? 3 : 1
  test(`${victim} is killed in the middle of a rollout`, () => rolloutDuring(() => killProcesses(cluster, victim), asks))
}

test('the API server is killed three times in a row', () =>
  rolloutDuring(async () => {
    for (let time = 0; time < 3; time++) {
      await killProcesses(cluster, 'apiserver')
      await untilServing(cluster)
    }
  }))

test('everything is killed at once, twice', async () => {
  for (let time = 0; time < 2; time++) await rolloutDuring(() => killProcesses(cluster, ...everything))
})

test('nothing was restarted that was not part of a rollout', async () => {
  const { items } = await cluster.client.list('v1', 'Pod', { namespace: cluster.namespace })
  const statuses = items.map(({ metadata, status }) => ({ pod: metadata.name, ...status.containerStatuses?.[0] }))
  const restarted = statuses.filter(({ restartCount }) => restartCount !== 0)
  assert.deepEqual(restarted, [])
  assert.equal(statuses.length, 7)
})
