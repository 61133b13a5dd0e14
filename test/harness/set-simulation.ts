import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { breakConnections, outOfReach } from '../../simulation/faults/disturbances.ts'
import { type MortalComponent, mortalControllerManager, mortalScheduler } from '../../simulation/faults/mortal-components.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { daemonSet, podTemplate, statefulSet } from './workloads.ts'

const SECOND = 1_000
const NODES = 4

/** A set under test: how many pods serve when all is well, how many may be missing, how many may be there besides. */
interface Subject {
  readonly kind: 'StatefulSet' | 'DaemonSet'
  readonly name: string
  readonly wanted: number
  readonly unavailable: number
  readonly surge: number
}

const subjects: readonly Subject[] = [
  { kind: 'StatefulSet', name: 'ordered', wanted: 3, unavailable: 1, surge: 0 },
  { kind: 'StatefulSet', name: 'parallel', wanted: 5, unavailable: 2, surge: 0 },
  { kind: 'DaemonSet', name: 'in-place', wanted: NODES, unavailable: 1, surge: 0 },
  { kind: 'DaemonSet', name: 'beside', wanted: NODES, unavailable: 0, surge: 1 },
]

interface Stage {
  readonly cluster: SimulatedCluster
  readonly manager: MortalComponent
  readonly scheduler: MortalComponent
  readonly random: Random
  /** What was done; printed when the story fails. */
  readonly log: string[]
  /** The image that each set was given last. */
  readonly images: Map<string, string>
}

const happenings: readonly [weight: number, name: string, happen: (stage: Stage) => Promise<unknown>][] = [
  [5, 'new image', newImage],
  [3, 'kill the controller manager', ({ manager }) => manager.replace()],
  [1, 'kill the scheduler', ({ scheduler }) => scheduler.replace()],
  [2, 'restart the API server', ({ cluster }) => cluster.restartApi()],
  [3, 'break connections', breakConnections],
  [1, 'the server is out of reach', (stage) => outOfReach(stage, 8 * SECOND)],
]

/**
 * Rolls templates out over StatefulSets and DaemonSets while everything but the nodes fails. Pods are lost to nothing but the rollouts, so
 * that at each moment exactly as many may be missing as a set allows. Failures name seed and events.
 */
export async function rollThrough(context: TestContext, seed: number, seconds: number): Promise<void> {
  const random = seededRandom(seed * 6_151)
  const medium = async (write: () => Promise<void>) => {
    for (let turns = upTo(random, 2); turns > 0; turns--) await nextTurn()
    await write()
  }
  const lag = () => (random.fraction() < 0.7 ? 0 : upTo(random, 300))
  const cluster = await startSimulatedCluster(context, {
    ...{ controllers: [], scheduler: false, nodes: NODES, seed, storage: { medium } },
    machine: { script: () => ({ startMilliseconds: 50 + upTo(random, 600), stopMilliseconds: upTo(random, 400) }) },
  })
  const manager = await mortalControllerManager(cluster, lag)
  const scheduler = await mortalScheduler(cluster, lag)
  const stage: Stage = { cluster, manager, scheduler, random, log: [], images: new Map() }
  try {
    await cluster.clock.advance(SECOND)
    await createAll(stage)
    await settle(stage)
    for (let end = cluster.clock.now() + seconds * SECOND; cluster.clock.now() < end; ) {
      const [name, happen] = draw(random)
      stage.log.push(`${((cluster.clock.now() - end) / SECOND + seconds).toFixed(1)} s: ${name}`)
      await happen(stage)
      for (let steps = upTo(random, 8); steps >= 0; steps--) {
        await cluster.clock.advance(upTo(random, 300))
        await checkBounds(cluster)
      }
    }
    await settle(stage)
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}\n${stage.log.join('\n')}`, { cause: error })
  } finally {
    await manager.stop()
    await scheduler.stop()
  }
}

async function createAll({ cluster: { client }, images }: Stage): Promise<void> {
  const template = (name: string) => podTemplate(name, 'app:0')
  const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
  for (const { kind, name, wanted, unavailable, surge } of subjects) {
    images.set(name, 'app:0')
    if (kind === 'DaemonSet') {
      const spec = { template: template(name), ...rolling({ maxUnavailable: unavailable, maxSurge: surge }) }
      await client.create('apps/v1', 'DaemonSet', daemonSet(name, spec))
    } else {
      const podManagementPolicy = name === 'parallel' ? 'Parallel' : 'OrderedReady'
      const spec = { template: template(name), podManagementPolicy, ...rolling({ maxUnavailable: unavailable }) }
      await client.create('apps/v1', 'StatefulSet', statefulSet(name, wanted, spec))
    }
  }
}

const serves = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp && status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true

/** What holds at every moment: nobody's name runs twice, and no set is further from what it should be than it allows. */
async function checkBounds({ machines, pods }: SimulatedCluster): Promise<void> {
  const runningAt = new Map<string, string>()
  for (const { name, running } of machines) {
    for (const pod of running.values()) {
      assert.equal(runningAt.get(pod), undefined, `${pod} runs on ${runningAt.get(pod)} and on ${name}`)
      runningAt.set(pod, name)
    }
  }
  const all = await pods()
  for (const { kind, name, wanted, unavailable, surge } of subjects) {
    const mine = all.filter(({ metadata }) => metadata.labels?.['app'] === name)
    const staying = mine.filter(({ metadata }) => !metadata.deletionTimestamp)
    const placeOf = ({ metadata, spec }: Pod) => (kind === 'StatefulSet' ? metadata.name : spec.nodeName) ?? ''
    const served = new Set(mine.filter(serves).map(placeOf)).size
    const seen = mine.map((pod) => `${placeOf(pod)} ${pod.spec.containers[0]?.image} ${serves(pod)}`).join('\n')
    assert.ok(served >= wanted - unavailable, `only ${served} places of ${name} are served\n${seen}`)
    assert.ok(staying.length <= wanted + surge, `${name} has ${staying.length} pods\n${seen}`)
  }
}

/** All faults are over: every set is of the template that it was given last, everywhere, and says so. */
async function settle({ cluster, images }: Stage): Promise<void> {
  const isDone = async () => {
    const pods = await cluster.pods()
    const all = [...(await cluster.list('apps/v1', 'StatefulSet')), ...(await cluster.list('apps/v1', 'DaemonSet'))]
    return (
      all.every(({ metadata, status }) => status.observedGeneration === metadata.generation) &&
      subjects.every(({ name, wanted }) => {
        const mine = pods.filter(({ metadata }) => metadata.labels?.['app'] === name)
        return mine.length === wanted && mine.every((pod) => serves(pod) && pod.spec.containers[0]?.image === images.get(name))
      })
    )
  }
  await cluster.until('all sets are as they were asked to be', isDone, 120 * SECOND, 500)
  // And they stay so, down to the last pod.
  const uids = async () => (await cluster.pods()).map(({ metadata }) => metadata.uid).sort()
  const before = await uids()
  await cluster.clock.advance(20 * SECOND)
  assert.deepEqual(await uids(), before)
  for (const set of await cluster.list('apps/v1', 'StatefulSet')) {
    const { replicas, readyReplicas, updatedReplicas, currentRevision, updateRevision } = set.status
    assert.deepEqual([replicas, readyReplicas, updatedReplicas], Array(3).fill(set.spec.replicas), set.metadata.name)
    assert.equal(currentRevision, updateRevision)
  }
  for (const { metadata, status } of await cluster.list('apps/v1', 'DaemonSet')) {
    const { desiredNumberScheduled, updatedNumberScheduled, numberAvailable, numberMisscheduled } = status
    const counts = [desiredNumberScheduled, updatedNumberScheduled, numberAvailable, numberMisscheduled]
    assert.deepEqual(counts, [NODES, NODES, NODES, 0], metadata.name)
  }
}

const upTo = (random: Random, limit: number) => Math.floor(random.fraction() * (limit + 1))

function draw(random: Random): [string, (stage: Stage) => Promise<unknown>] {
  let left = random.fraction() * happenings.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, name, happen] of happenings) {
    left -= weight
    if (left < 0) return [name, happen]
  }
  throw new Error('nothing can happen')
}

async function newImage({ cluster: { client }, random, images, log }: Stage): Promise<void> {
  const subject = subjects[upTo(random, subjects.length - 1)]
  if (!subject) throw new Error('there is no such set')
  const image = `app:${upTo(random, 3)}`
  images.set(subject.name, image)
  log.push(`  ${subject.name}: ${image}`)
  const body = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }
  await client.patch('apps/v1', subject.kind, { namespace: 'default', name: subject.name }, { type: 'strategic', body })
}
