/** kubectl's verbs on nodes: taken out of use, emptied, tainted, and taken in again. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isReady, useCluster } from './cluster.ts'
import { idleDeployment } from './traffic.ts'

const cluster = await useCluster('kubectl-nodes')
const { kubectl } = cluster
const first = [...(await cluster.workers()).keys()].sort()[0] ?? ''
before(async () => {
  await kubectl.apply(idleDeployment('idle', 4))
  await kubectl.ok('rollout status deployment/idle --timeout=60s')
})
after(async () => {
  // Whatever failed above: the other test files need the node.
  await kubectl.run(['uncordon', first])
  await kubectl.run(['taint', 'node', first, 'e2e-'])
})

test('get and describe nodes', async () => {
  assert.match(await kubectl.ok('get nodes'), /^NAME +STATUS +ROLES +AGE +VERSION\nworker-1 +Ready +<none> +\S+ +v1\.36/)
  assert.match(await kubectl.ok('get nodes -o wide'), /INTERNAL-IP[\s\S]*docker:\/\//)
  assert.match(await kubectl.ok(`describe node ${first}`), /Ready +True[\s\S]*PodCIDR: +10\.245\.\d+\.0\/24[\s\S]*Non-terminated Pods/)
})

test('cordon keeps new pods away', async () => {
  assert.equal(await kubectl.ok(`cordon ${first}`), `node/${first} cordoned`)
  assert.match(await kubectl.ok('get nodes'), new RegExp(`${first} +Ready,SchedulingDisabled`))
  await kubectl.ok('scale deployment idle --replicas=8')
  await kubectl.ok('rollout status deployment/idle --timeout=60s')
  const pods = await cluster.pods('app=idle', 8)
  assert.ok(pods.filter(({ spec }) => spec.nodeName === first).length <= 4, 'none of the new ones is there')
})

test('drain moves pods elsewhere, uncordon takes the node in again', async () => {
  await kubectl.ok(`drain ${first} --force --pod-selector=app=idle --timeout=60s`)
  const pods = await cluster.pods('app=idle', 8)
  assert.deepEqual([...new Set(pods.map(({ spec }) => spec.nodeName === first))], [false])
  assert.equal(await kubectl.ok(`uncordon ${first}`), `node/${first} uncordoned`)
})

test('a taint drives pods away that do not bear it, and keeps others out', async () => {
  await kubectl.ok('scale deployment idle --replicas=0')
  await cluster.pods('app=idle', 0)
  await kubectl.ok('scale deployment idle --replicas=4')
  const before = await cluster.pods('app=idle', 4)
  assert.ok(before.some(({ spec }) => spec.nodeName === first))
  await kubectl.ok(`taint node ${first} e2e=yes:NoExecute`)
  const moved = await cluster.pods('app=idle', 4, (pod) => isReady(pod) && pod.spec.nodeName !== first)
  assert.equal(moved.length, 4)
  await kubectl.ok(`taint node ${first} e2e-`)
  assert.doesNotMatch(await kubectl.ok(`describe node ${first}`), /e2e=yes/)
})

test('labels of nodes steer pods', async () => {
  await kubectl.ok(`label node ${first} disk=fast`)
  await kubectl.ok(['patch', 'deployment', 'idle', '-p', '{"spec":{"template":{"spec":{"nodeSelector":{"disk":"fast"}}}}}'])
  await kubectl.ok('rollout status deployment/idle --timeout=60s')
  const pods = await cluster.pods('app=idle', 4)
  assert.deepEqual([...new Set(pods.map(({ spec }) => spec.nodeName))], [first])
  await kubectl.ok(`label node ${first} disk-`)
})
