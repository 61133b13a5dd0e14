/** Rollouts as kubectl drives them, under requests that are counted. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type PodContainer, useCluster } from './cluster.ts'
import { askerPod, idleDeployment, steadyTraffic } from './traffic.ts'

const cluster = await useCluster('rollouts')
const { kubectl } = cluster
before(async () => {
  await kubectl.ok('apply -f examples/web.yaml')
  await kubectl.apply(askerPod('asker'))
  await kubectl.ok('rollout status deployment/web --timeout=30s')
  await kubectl.ok('wait pod asker --for=condition=Ready --timeout=30s')
})

const image = () => kubectl.ok('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}')
const imagesOfPods = () => kubectl.ok('get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}')

test('a new image is rolled out without losing a request, from inside and from outside', async () => {
  const [worker] = [...(await cluster.workers()).values()]
  const outside = steadyTraffic(`http://${worker?.address}:30080/`)
  // One connection a request, as in the worst case; each that fails is a line.
  const loop = 'n=0; while [ ! -e /tmp/over ]; do wget -qO /dev/null -T 5 http://web/ || echo lost; n=$((n+1)); done; echo "asked $n"'
  const child = kubectl.start(['exec', 'asker', '--', 'sh', '-c', loop])
  let printed = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk
  })
  const ended = new Promise((resolve) => child.on('close', resolve))

  await kubectl.ok('set image deployment/web nginx=nginx:1.28')
  await kubectl.ok('rollout status deployment/web --timeout=60s')
  await cluster.pods('app=web', 2)
  await kubectl.ok('rollout restart deployment/web')
  await kubectl.ok('rollout status deployment/web --timeout=60s')
  await cluster.pods('app=web', 2)

  await cluster.inPod('asker', 'touch /tmp/over')
  await ended
  const { answered, failures } = await outside.stop()
  const asked = Number(/asked (\d+)/.exec(printed)?.[1])
  cluster.note(`two rolling updates: ${asked} requests from a pod by name, ${answered + failures.length} from outside by node port`)
  assert.deepEqual(failures, [])
  assert.equal(printed, `asked ${asked}\n`)
  assert.ok(asked > 50 && answered > 50, 'enough requests to mean something')
  assert.equal(await imagesOfPods(), 'nginx:1.28 nginx:1.28')
})

describe('rollout', () => {
  test('history, undo, undo to a revision', async () => {
    assert.match(await kubectl.ok('rollout history deployment/web'), /REVISION +CHANGE-CAUSE\n1 [\s\S]*2 [\s\S]*3 /)
    assert.match(await kubectl.ok('rollout history deployment/web --revision=1'), /nginx:1\.27/)
    await kubectl.ok('rollout undo deployment/web --to-revision=1')
    await kubectl.ok('rollout status deployment/web --timeout=60s')
    assert.equal(await image(), 'nginx:1.27')
    await kubectl.ok('rollout undo deployment/web')
    await kubectl.ok('rollout status deployment/web --timeout=60s')
    assert.equal(await image(), 'nginx:1.28')
  })

  test('pause collects changes, resume rolls them out together', async () => {
    const revisions = async () => (await kubectl.ok('get replicasets -o name')).split('\n').length
    const before = await revisions()
    await kubectl.ok('rollout pause deployment/web')
    await kubectl.ok('set image deployment/web nginx=nginx:1.27')
    await kubectl.ok('set env deployment/web PAUSED=yes')
    assert.equal(await revisions(), before)
    assert.match(await kubectl.fails('rollout restart deployment/web'), /paused/)
    await kubectl.ok('rollout resume deployment/web')
    await kubectl.ok('rollout status deployment/web --timeout=60s')
    assert.equal(await revisions(), before + 1)
  })

  test('one that cannot finish says so, and leaves the old pods at work', async () => {
    await kubectl.ok(['patch', 'deployment', 'web', '-p', '{"spec":{"progressDeadlineSeconds":2}}'])
    await kubectl.ok('set image deployment/web nginx=nginx:no-such-version')
    assert.match(await kubectl.fails('rollout status deployment/web --timeout=30s'), /exceeded its progress deadline/)
    assert.equal(await kubectl.ok('get deployment web -o jsonpath={.status.availableReplicas}'), '2')
    await kubectl.ok('rollout undo deployment/web')
    await kubectl.ok('rollout status deployment/web --timeout=60s')
  })
})

test('a replica count is reached in both directions: 2, 50, 1', async () => {
  const { clock } = cluster
  await kubectl.apply(idleDeployment('many', 2))
  await kubectl.ok('rollout status deployment/many --timeout=60s')
  await cluster.pods('app=many', 2)
  const started = clock.monotonic()
  await kubectl.ok('scale deployment many --replicas=50')
  const pods = await cluster.pods('app=many', 50, undefined, 90_000)
  const up = clock.monotonic()
  assert.equal(new Set(pods.map(({ status }) => status.podIP)).size, 50, 'each its own address')
  const nodes = Map.groupBy(pods, ({ spec }) => spec.nodeName)
  assert.deepEqual(
    [...nodes.values()].map(({ length }) => Math.abs(length - 25) <= 3),
    [true, true],
    'evenly spread',
  )
  await kubectl.ok('scale deployment many --replicas=1')
  const [survivor] = await cluster.pods('app=many', 1, undefined, 60_000)
  assert.ok(survivor)
  cluster.note(`2 → 50 pods ready: ${seconds(up - started)}, 50 → 1: ${seconds(clock.monotonic() - up)}`)
  for (const node of (await cluster.workers()).keys()) {
    const left: PodContainer[] = (await cluster.containersOn(node)).filter(
      ({ pod }) => pod.startsWith('many-') && pod !== survivor.metadata.name,
    )
    assert.deepEqual(left, [], 'no container is left behind')
  }
  await kubectl.ok('delete deployment many')
})

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
