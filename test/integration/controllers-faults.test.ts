import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Service } from '../../shared/process/run.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Fault, withFaults } from '../../simulation/faults/faulty-transport.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment, replicaSet } from '../harness/workloads.ts'

const APPS = ['deployment', 'replicaset', 'garbage-collector', 'serviceaccount', 'node-lifecycle']
const web = { namespace: 'default', name: 'web' }
const isPodCreation = (method: string, path: string) => method === 'POST' && /\/namespaces\/[^/]+\/pods$/.test(path.split('?')[0] ?? '')
const isReady = (pod: Pod) => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined

interface Faulty {
  cluster: SimulatedCluster
  /** What happens to each request of the controller manager; may be replaced at any time. */
  weather: { fault: (method: string, path: string) => Fault | undefined }
}

/** A cluster whose controller manager is on a connection with faults. */
async function faultyCluster(context: TestContext, options: { seed?: number; nodes?: number } = {}): Promise<Faulty> {
  const cluster = await startSimulatedCluster(context, { controllers: [], ...options })
  const weather: Faulty['weather'] = { fault: () => undefined }
  await cluster.add(await manager(cluster, weather))
  await cluster.clock.settle()
  return { cluster, weather }
}

function manager(cluster: SimulatedCluster, weather: Faulty['weather'], settings: object = {}): Promise<Service> {
  const tools = withFaults(cluster.tools, cluster.transportOf('controller-manager'), ({ method, path }) => weather.fault(method, path))
  return createControllerManager({ ...cluster.controllerSettings, controllers: APPS, ...settings }, tools)
}

const setImage = (cluster: SimulatedCluster, image: string) =>
  cluster.client.patch('apps/v1', 'Deployment', web, {
    type: 'strategic',
    body: { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } },
  })

const scale = (cluster: SimulatedCluster, replicas: number) =>
  cluster.client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { replicas } } })

async function rolledOut(cluster: SimulatedCluster, image: string, replicas: number): Promise<boolean> {
  const pods = await cluster.pods()
  return pods.length === replicas && pods.every((pod) => isReady(pod) && !isGoing(pod) && pod.spec.containers[0]?.image === image)
}

test('a refused creation is asked for once, not five hundred times, told, and repeated until it is granted', async (context) => {
  const { cluster, weather } = await faultyCluster(context)
  let asked = 0
  const message = 'pods "web" is forbidden: exceeded quota: small'
  weather.fault = (method, path) => {
    if (!isPodCreation(method, path)) return undefined
    asked += 1
    return new StatusError('Forbidden', message)
  }
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 500))
  await cluster.clock.settle()
  assert.ok(asked <= 2, `slow start: one creation finds it out, and once more when its status was written: ${asked}`)
  const [set] = await cluster.list('apps/v1', 'ReplicaSet')
  const failure = set?.status.conditions?.find(({ type }) => type === 'ReplicaFailure')
  assert.deepEqual([failure?.status, failure?.reason, failure?.message], ['True', 'FailedCreate', message])
  const { status } = await cluster.get('apps/v1', 'Deployment', 'web')
  assert.equal(status.conditions?.find(({ type }) => type === 'ReplicaFailure')?.message, message)
  assert.deepEqual(await cluster.eventMessages('FailedCreate'), [`Error creating: ${message}`])

  await cluster.clock.advance(10_000)
  assert.ok(asked < 20, `it backs off: ${asked}`)
  weather.fault = () => undefined
  await scale(cluster, 6)
  await cluster.until('granted at last', () => rolledOut(cluster, 'nginx:1.27', 6))
  await cluster.clock.settle()
  const after = await cluster.get('apps/v1', 'Deployment', 'web')
  assert.equal(
    after.status.conditions?.find(({ type }) => type === 'ReplicaFailure'),
    undefined,
    'and the failure is forgotten',
  )
})

test('a refused creation stays with its back-off while the counts of other pods change', async (context) => {
  const { cluster, weather } = await faultyCluster(context)
  let asked = 0
  weather.fault = (method, path) => {
    if (!isPodCreation(method, path)) return undefined
    asked += 1
    return asked <= 3 ? undefined : new StatusError('Forbidden', 'exceeded quota: small')
  }
  await cluster.client.create('apps/v1', 'ReplicaSet', replicaSet('web', 20))
  await cluster.until('three run', async () => (await cluster.pods()).filter(isReady).length === 3)
  await cluster.clock.advance(60_000)
  const before = asked
  for (const { metadata } of (await cluster.pods()).slice(0, 2)) {
    const patch = { type: 'merge', subresource: 'status', body: { status: { phase: 'Failed' } } } as const
    await cluster.client.patch('v1', 'Pod', { namespace: 'default', name: metadata.name ?? '' }, patch)
    await cluster.clock.advance(10)
  }
  await cluster.clock.advance(5_000)
  assert.equal((await cluster.get('apps/v1', 'ReplicaSet', 'web')).status.replicas, 1)
  assert.ok(asked - before < 10, `changes ask, and statuses when they were written; the back-off does not begin anew: ${asked - before}`)
})

test('creations whose answer is lost make no second pod', async (context) => {
  const { cluster, weather } = await faultyCluster(context)
  const random = seededRandom(4)
  let lost = 0
  weather.fault = (method, path) => {
    if (!isPodCreation(method, path) || lost >= 30 || random.fraction() < 0.5) return undefined
    lost += 1
    return 'answer lost'
  }
  await cluster.client.create('apps/v1', 'ReplicaSet', replicaSet('web', 20))
  let most = 0
  await cluster.until('all there', async () => {
    const pods = await cluster.pods()
    most = Math.max(most, pods.length)
    return pods.filter(isReady).length === 20
  })
  assert.ok(lost >= 10, `the test lost answers: ${lost}`)
  assert.equal(most, 20)
  assert.deepEqual(await cluster.eventMessages('SuccessfulDelete'), [], 'nothing had to be taken back')
})

test('pods that fail the moment they are made are replaced with patience, not in a storm', async (context) => {
  const { cluster } = await faultyCluster(context)
  await cluster.client.create('apps/v1', 'ReplicaSet', replicaSet('web', 1))
  await cluster.until('one runs', async () => (await cluster.pods()).some(isReady))
  const [first] = await cluster.pods()
  await cluster.client.patch(
    'v1',
    'Pod',
    { namespace: 'default', name: first?.metadata.name ?? '' },
    {
      type: 'merge',
      subresource: 'status',
      body: { status: { phase: 'Failed' } },
    },
  )
  await cluster.until(
    'another took its place',
    async () => (await cluster.pods()).filter(isReady).filter(({ status }) => status.phase === 'Running').length === 1,
  )
  const pods = await cluster.pods()
  assert.equal(pods.length, 2, 'the failed one stays for people to look at')
})

test('scaled up and down in the middle of a rollout, it ends at the new size with the new template', async (context) => {
  const { cluster } = await faultyCluster(context)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 10))
  await cluster.until('first', () => rolledOut(cluster, 'nginx:1.27', 10))
  await setImage(cluster, 'nginx:1.28')
  const sizesOf = async () => {
    const sets = await cluster.list('apps/v1', 'ReplicaSet')
    const image = (set: ReplicaSet) => set.spec.template.spec.containers[0]?.image
    return ['nginx:1.27', 'nginx:1.28'].map((each) => sets.find((set) => image(set) === each)?.spec.replicas ?? 0)
  }
  await cluster.until('half way', async () => ((await sizesOf())[1] ?? 0) >= 5 && ((await sizesOf())[0] ?? 0) > 0)
  const before = await sizesOf()
  await scale(cluster, 20)
  await cluster.clock.settle()
  const after = await sizesOf()
  const total = after.reduce((sum, size) => sum + size, 0)
  assert.equal(total, 25, `proportionally, up to the surge: ${before} → ${after}`)
  assert.ok((after[0] ?? 0) > (before[0] ?? 0) && (after[1] ?? 0) > (before[1] ?? 0), `both grow: ${before} → ${after}`)
  await cluster.until('at the new size', () => rolledOut(cluster, 'nginx:1.28', 20))
  await setImage(cluster, 'nginx:1.29')
  await cluster.clock.advance(150)
  await scale(cluster, 3)
  await cluster.until('small again', () => rolledOut(cluster, 'nginx:1.29', 3))
})

test('killed at any step of a rollout and started again, the controller manager ends it rightly, and no pod is doubled', async (context) => {
  for (const seed of Array.from({ length: Number(process.env['SEEDS'] ?? 10) }, (_, index) => index + 1)) {
    await context.test(`seed ${seed}`, async (inner) => {
      const cluster = await startSimulatedCluster(inner, { controllers: [], seed })
      const random = seededRandom(seed)
      const well: Faulty['weather'] = { fault: () => undefined }
      let working = await manager(cluster, well)
      await working.start()
      await cluster.client.create('apps/v1', 'Deployment', deployment('web', 8))
      await cluster.until('first', () => rolledOut(cluster, 'nginx:1.27', 8))
      await setImage(cluster, 'nginx:1.28')
      let most = 0
      let least = 8
      const look = async () => {
        const pods = (await cluster.pods()).filter((pod) => !isGoing(pod))
        most = Math.max(most, pods.length)
        least = Math.min(least, pods.filter(isReady).length)
      }
      for (let life = 0; life < 6; life++) {
        // The next life ends in the middle of this many requests: nothing more of it arrives, and some answers are lost.
        let left = Math.floor(random.fraction() * 25)
        const weather: Faulty['weather'] = { fault: () => (left-- > 0 ? undefined : random.fraction() < 0.5 ? 'lost' : 'answer lost') }
        await working.stop()
        working = await manager(cluster, weather)
        await Promise.race([working.start(), cluster.clock.advance(500)])
        await cluster.watchFor(300 + random.fraction() * 700, look)
      }
      await working.stop()
      working = await manager(cluster, well)
      await working.start()
      await cluster.until('rolled out', async () => {
        await look()
        return rolledOut(cluster, 'nginx:1.28', 8)
      })
      assert.ok(most <= 10, `at most a quarter more: ${most}`)
      assert.ok(least >= 6, `at most a quarter fewer: ${least}`)
      const sets = await cluster.list('apps/v1', 'ReplicaSet')
      assert.deepEqual(sets.map(({ spec }) => spec.replicas).sort(), [0, 8])
      await working.stop()
    })
  }
})

test('one of two controller managers works; when it dies the other takes over, and nothing is doubled', async (context) => {
  const cluster = await startSimulatedCluster(context, { controllers: [] })
  const weathers = [0, 1].map((): Faulty['weather'] & { writes: number } => ({ fault: () => undefined, writes: 0 }))
  const holder = async () =>
    (await cluster.find('coordination.k8s.io/v1', 'Lease', 'kube-controller-manager', 'kube-system'))?.spec.holderIdentity
  const ends: string[] = []
  for (const [index, weather] of weathers.entries()) {
    weather.fault = (method, path) => {
      if (method !== 'GET' && !path.includes('/leases')) weather.writes += 1
      return undefined
    }
    const service = await manager(cluster, weather, { leaderElect: true })
    service.ended?.then(
      () => ends.push(`${index} ended`),
      (error: Error) => ends.push(`${index} ${error.name}`),
    )
    await cluster.add(service)
    await cluster.clock.settle()
  }
  const [leader, standby] = weathers
  assert.ok(leader && standby)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 6))
  await cluster.until('made by the leader', () => rolledOut(cluster, 'nginx:1.27', 6))
  assert.ok(leader.writes > 0)
  assert.equal(standby.writes, 0, 'the standby only watches')
  const first = await holder()

  await setImage(cluster, 'nginx:1.28')
  await cluster.clock.advance(120)
  leader.fault = () => 'lost'
  await cluster.clock.advance(14_000)
  assert.deepEqual(ends, ['0 LeadershipLost'], 'the cut-off leader stops by itself, before anybody else may begin')
  assert.equal(standby.writes, 0, 'and the lease of a dead leader is respected to its end')
  await cluster.until('finished by the other', () => rolledOut(cluster, 'nginx:1.28', 6), 30_000)
  assert.notEqual(await holder(), first)
  assert.ok(standby.writes > 0)
  assert.deepEqual(ends, ['0 LeadershipLost'])
})
