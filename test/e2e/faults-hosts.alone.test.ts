/** Hosts go and come back: one by a crash, all of them by a person's command. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { isReady, useCluster } from './cluster.ts'
import { deployCommand } from './faults.ts'
import { askerPod } from './traffic.ts'

const cluster = await useCluster('faults-hosts')
const { kubectl, clock, client } = cluster

before(async () => {
  await kubectl.ok('apply -f examples/web.yaml')
  await kubectl.ok('rollout status deployment/web --timeout=60s')
})

const nodeIs = (name: string, status: 'True' | 'Unknown', withinMilliseconds = 60_000) =>
  eventually(
    client,
    ['v1', 'Node'],
    (nodes: Node[]) =>
      nodes.find(({ metadata }) => metadata.name === name)?.status.conditions?.find(({ type }) => type === 'Ready')?.status === status,
    { withinMilliseconds },
  )
const identities = async () => (await client.list('v1', 'Node')).items.map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort()
const uids = (pods: Pod[]) => pods.map(({ metadata }) => metadata.uid).sort()
const since = (started: number) => `${((clock.monotonic() - started) / 1000).toFixed(1)} s`

test('a host dies: its node is not ready, its pods are replaced elsewhere, no request goes there; it comes back as who it was', async () => {
  const before = await cluster.pods('app=web', 2)
  const nodes = await identities()
  const lost = before.find(({ spec }) => spec.nodeName === 'worker-2')
  assert.ok(lost, 'a pod of web is on worker-2')
  await kubectl.ok(['run', 'asker', '--image=busybox:1.36', '--overrides={"spec":{"nodeName":"worker-1"}}', '--', 'sleep', '3600'])
  await kubectl.ok('wait pod asker --for=condition=Ready --timeout=30s')
  const host = await cluster.worker('worker-2')

  const killed = clock.monotonic()
  await outputOf('docker', ['kill', host.id])
  await nodeIs('worker-2', 'Unknown')
  const notReady = since(killed)
  assert.match(await kubectl.ok('get node worker-2'), /NotReady/)
  const gone = ({ metadata }: Pod) => metadata.uid === lost.metadata.uid
  // The dead host cannot say that its pod has ended: the pod stays, marked, until the host is back or somebody forces it.
  const pods = await eventually(
    client,
    ['v1', 'Pod'],
    (all) =>
      all.filter((pod) => isReady(pod) && pod.spec.nodeName === 'worker-1').length === 2 &&
      all.every((pod) => !gone(pod) || pod.metadata.deletionTimestamp !== undefined),
    { namespace: cluster.namespace, labelSelector: 'app=web', withinMilliseconds: 30_000 },
  )
  cluster.note(`a host died: node not ready after ${notReady}, pods ready on the other host after ${since(killed)}`)
  const addresses = pods
    .filter(isReady)
    .map(({ status }) => status.podIP)
    .sort()
  const slices = await eventually(
    client,
    ['discovery.k8s.io/v1', 'EndpointSlice'],
    (all) => all.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready).length === 2,
    { namespace: cluster.namespace, labelSelector: 'kubernetes.io/service-name=web' },
  )
  const ready = slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready)
  assert.deepEqual(ready.flatMap((endpoint) => endpoint.addresses).sort(), addresses)
  const loop = 'i=0; while [ $i -lt 60 ]; do wget -qO /dev/null -T 2 http://web/ || echo lost; i=$((i+1)); done'
  assert.equal(await cluster.inPod('asker', loop), '', 'none of 60 requests went to the dead host')

  const started = clock.monotonic()
  await outputOf('docker', ['start', host.id])
  await nodeIs('worker-2', 'True')
  cluster.note(`the host came back: node ready ${since(started)} after its start`)
  assert.deepEqual(await identities(), nodes, 'the same nodes as before')
  await cluster.pods('app=web', 2)
  const isClean = (await cluster.containersOn('worker-2')).filter(({ pod }) => pod === lost.metadata.name)
  assert.deepEqual(isClean, [], 'what was replaced does not run on')
  await kubectl.ok('scale deployment web --replicas=4')
  const four = await cluster.pods('app=web', 4)
  assert.ok(
    four.some(({ spec }) => spec.nodeName === 'worker-2'),
    'it gets pods again',
  )
  await kubectl.ok('scale deployment web --replicas=2')
  await cluster.pods('app=web', 2)
})

/** The cluster of the tests evicts after two seconds; pods that are to outlast a pause of their hosts say so, as the usual five minutes do. */
const patience = ['not-ready', 'unreachable'].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))

test('make down KEEP=1, make up: the same nodes, the same pods, the same data', async () => {
  await kubectl.ok('create configmap remembered --from-literal=what=this')
  await kubectl.ok(['patch', 'deployment', 'web', '-p', JSON.stringify({ spec: { template: { spec: { tolerations: patience } } } })])
  await kubectl.ok('rollout status deployment web --timeout=60s')
  const keeper = `spec:\n  volumes: [{ name: data, emptyDir: {} }]\n  tolerations: ${JSON.stringify(patience)}`
  await kubectl.apply(`${askerPod('keeper').replace('spec:', keeper).trimEnd()}
      volumeMounts: [{ name: data, mountPath: /data }]
`)
  await cluster.pods('run=keeper', 1)
  await cluster.inPod('keeper', 'echo kept > /data/mark')
  const nodes = await identities()
  const before = uids([...(await cluster.pods('app=web', 2)), ...(await cluster.pods('run=keeper', 1))])

  await deployCommand(cluster, 'down.ts', '--keep')
  for (const { state, name } of (await cluster.workers()).values()) assert.equal(state, 'exited', name)
  const started = clock.monotonic()
  const printed = await deployCommand(cluster, 'up.ts')
  cluster.note(
    `make up with everything there: ${since(started)}\n${printed
      .split('\n')
      .filter((line) => line.startsWith('✓'))
      .map((line) => `#   ${line}`)
      .join('\n')}`,
  )
  assert.deepEqual(await identities(), nodes)
  const after = uids([...(await cluster.pods('app=web', 2)), ...(await cluster.pods('run=keeper', 1))])
  assert.deepEqual(after, before, 'the pods are the same ones')
  cluster.note(`the pods are ready again ${since(started)} after make up began`)
  assert.equal(await cluster.inPod('keeper', 'cat /data/mark'), 'kept')
  assert.equal(await kubectl.ok('get configmap remembered -o jsonpath={.data.what}'), 'this')
  assert.match(await cluster.inPod('keeper', 'wget -qO- -T 5 http://web/'), /nginx/i)
})

test('every container is restarted at once', async () => {
  const nodes = await identities()
  const before = uids(await cluster.pods('app=web', 2))
  await deployCommand(cluster, 'compose.sh', 'restart')
  await deployCommand(cluster, 'up.ts')
  assert.deepEqual(await identities(), nodes)
  assert.deepEqual(uids(await cluster.pods('app=web', 2)), before)
  await cluster.pods('run=keeper', 1)
  assert.match(await cluster.inPod('keeper', 'wget -qO- -T 5 http://web/; cat /data/mark'), /nginx[\s\S]*kept/i)
})
