import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { breakConnections, outOfReach } from '../../simulation/faults/disturbances.ts'
import { type MortalComponent, mortalControllerManager } from '../../simulation/faults/mortal-components.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { job } from './workloads.ts'

const SECOND = 1_000
const INDEX = 'batch.kubernetes.io/job-completion-index'
const TRACKING = 'batch.kubernetes.io/job-tracking'
const isActive = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded' && status.phase !== 'Failed'
const ownerOf = ({ metadata }: Pod) => metadata.ownerReferences?.find(({ controller }) => controller)?.uid
const isOver = ({ status }: Job) => isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed')

interface Stage {
  cluster: SimulatedCluster
  manager: MortalComponent
  random: Random
  log: string[]
  /** By job's uid: uids and indexes of pods that were seen to have succeeded. */
  ends: Map<string, { pods: Set<string>; indexes: Set<string> }>
  counted: Map<string, Job['status']>
}

const jobs = [
  job('plain', { completions: 8, parallelism: 3, backoffLimit: 40 }),
  job('indexed', { completionMode: 'Indexed', completions: 7, parallelism: 4, backoffLimitPerIndex: 3 }),
  job('careful', { completions: 4, parallelism: 2, backoffLimit: 40, podReplacementPolicy: 'Failed' }),
  job('queue', { parallelism: 3, backoffLimit: 40 }),
]

/** Jobs live through faults of every kind; their counts are held against what was seen of their pods. Failures name seed and events. */
export async function liveThroughJobs(context: TestContext, seed: number, seconds: number): Promise<void> {
  const random = seededRandom(seed * 6_151)
  const lag = () => (random.fraction() < 0.6 ? 0 : Math.floor(random.fraction() * 400))
  const cluster = await startSimulatedCluster(context, {
    ...{ controllers: [], nodes: 3, seed },
    controllerSettings: { nodeMonitorGracePeriod: 20 * SECOND, nodeMonitorPeriod: 2 * SECOND, nodeEvictionRate: 10 },
    machine: {
      script: ({ metadata }) => {
        // By its name, so that a pod ends in the same way whoever looks.
        const letter = metadata.name?.charCodeAt((metadata.name?.length ?? 1) - 1) ?? 0
        return {
          startMilliseconds: 100 + (letter % 7) * 90,
          stopMilliseconds: (letter % 5) * 150,
          ends: { afterMilliseconds: 400 + (letter % 11) * 330, exitCode: letter % 5 === 0 ? 1 : 0 },
        }
      },
    },
  })
  const stage: Stage = {
    cluster,
    random,
    log: [],
    ends: new Map(),
    counted: new Map(),
    manager: await mortalControllerManager(cluster, lag),
  }
  const watching = new AbortController()
  try {
    await cluster.clock.advance(SECOND)
    watchEnds(stage, watching.signal)
    for (const body of jobs) await cluster.client.create('batch/v1', 'Job', body)
    const end = cluster.clock.now() + seconds * SECOND
    while (cluster.clock.now() < end) {
      const { name, happen } = draw(random)
      stage.log.push(`${((cluster.clock.now() - end) / SECOND + seconds).toFixed(1)} s: ${name}`)
      await happen(stage)
      for (let step = 0; step < 4; step++) {
        await cluster.clock.advance(Math.floor(random.fraction() * 500))
        await check(stage)
      }
    }
    await settle(stage)
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}\n${stage.log.join('\n')}`, { cause: error })
  } finally {
    watching.abort(new Error('the story is over'))
    await stage.manager.stop()
  }
}

const happenings: readonly { weight: number; name: string; happen: (stage: Stage) => Promise<unknown> }[] = [
  { weight: 4, name: 'nothing', happen: async () => {} },
  { weight: 4, name: 'delete a pod', happen: deletePod },
  { weight: 5, name: 'kill the controller manager', happen: ({ manager }) => manager.replace() },
  { weight: 3, name: 'restart the API server', happen: ({ cluster }) => cluster.restartApi() },
  { weight: 3, name: 'break connections', happen: breakConnections },
  { weight: 2, name: 'out of reach', happen: (stage) => outOfReach(stage, 4 * SECOND) },
  { weight: 2, name: 'lose a node', happen: loseNode },
  { weight: 2, name: 'find nodes again', happen: ({ cluster }) => Promise.all(cluster.machines.map((machine) => machine.revive())) },
  { weight: 2, name: 'suspend or resume', happen: suspendOrResume },
  { weight: 2, name: 'another writer of the status', happen: touchStatus },
]

function draw(random: Random) {
  let left = random.fraction() * happenings.reduce((sum, { weight }) => sum + weight, 0)
  for (const happening of happenings) {
    left -= happening.weight
    if (left < 0) return happening
  }
  throw new Error('nothing can happen')
}

/** Sees every state of every pod: some succeed and are gone before anybody could look. */
function watchEnds({ cluster, ends }: Stage, signal: AbortSignal): void {
  const informers = createInformers({ ...cluster.tools, client: cluster.client })
  informers.of('v1', 'Pod').onChange((_key, current, previous) => {
    for (const pod of [current, previous]) {
      const owner = pod && ownerOf(pod)
      if (!owner || pod.status.phase !== 'Succeeded') continue
      const seen = ends.get(owner) ?? { pods: new Set(), indexes: new Set() }
      ends.set(owner, seen)
      seen.pods.add(pod.metadata.uid ?? '')
      seen.indexes.add(pod.metadata.annotations?.[INDEX] ?? '')
    }
  })
  informers.start(signal)
}

/** What holds at every moment. */
async function check(stage: Stage): Promise<void> {
  const pods = await stage.cluster.pods()
  for (const each of await stage.cluster.list('batch/v1', 'Job')) {
    const { metadata, spec, status } = each
    const uid = metadata.uid ?? ''
    const mine = pods.filter((pod) => ownerOf(pod) === uid)
    const active = mine.filter(isActive)
    assert.ok(active.length <= (spec.parallelism ?? 1), `${metadata.name} has ${active.length} active pods of ${spec.parallelism}`)
    if (spec.podReplacementPolicy === 'Failed') {
      const alive = mine.filter(({ status: { phase } }) => phase !== 'Succeeded' && phase !== 'Failed')
      assert.ok(alive.length <= (spec.parallelism ?? 1), `${metadata.name} has ${alive.length} pods alive of ${spec.parallelism}`)
    }
    const indexes = active.map((pod) => pod.metadata.annotations?.[INDEX]).filter((index) => index !== undefined)
    assert.equal(new Set(indexes).size, indexes.length, `${metadata.name} has two pods of one index: ${indexes}`)
    const seen = stage.ends.get(uid) ?? { pods: new Set(), indexes: new Set() }
    const known = (status.succeeded ?? 0) + (status.uncountedTerminatedPods?.succeeded?.length ?? 0)
    const most = spec.completionMode === 'Indexed' ? seen.indexes.size : seen.pods.size
    assert.ok(known <= most, `${metadata.name} counts ${known} successes, there were ${most}`)
    const before = stage.counted.get(uid)
    assert.ok(
      (status.succeeded ?? 0) >= (before?.succeeded ?? 0) && (status.failed ?? 0) >= (before?.failed ?? 0),
      `${metadata.name} counts backwards`,
    )
    if (before && isOver({ ...each, status: before })) assert.deepEqual(status, before, `${metadata.name} was over, and goes on`)
    stage.counted.set(uid, status)
  }
}

/** All faults end; then all jobs are done, every success is counted, and nothing holds a pod. */
async function settle(stage: Stage): Promise<void> {
  const { cluster } = stage
  for (const machine of cluster.machines) await machine.revive()
  for (const { metadata } of await cluster.list('batch/v1', 'Job')) {
    const body = { spec: { suspend: false } }
    await cluster.client.patch('batch/v1', 'Job', { namespace: 'default', name: metadata.name ?? '' }, { type: 'merge', body })
  }
  const isDone = async () => {
    await check(stage)
    return (await cluster.list('batch/v1', 'Job')).every(isOver)
  }
  await cluster.until('all jobs are over', isDone, 1_500 * SECOND, SECOND)
  await cluster.clock.advance(30 * SECOND)
  await check(stage)
  const pods = await cluster.pods()
  for (const { metadata, spec, status } of await cluster.list('batch/v1', 'Job')) {
    const seen = stage.ends.get(metadata.uid ?? '')
    const ends = (spec.completionMode === 'Indexed' ? seen?.indexes.size : seen?.pods.size) ?? 0
    assert.equal(status.succeeded ?? 0, ends, `successes of ${metadata.name}`)
    if (spec.completions !== undefined && isTrue(status.conditions, 'Complete'))
      assert.equal(status.succeeded, spec.completions, metadata.name)
    assert.deepEqual([status.active, status.terminating, status.uncountedTerminatedPods], [undefined, 0, {}], metadata.name)
  }
  assert.deepEqual(
    pods.filter(({ metadata }) => metadata.finalizers?.includes(TRACKING)).map(({ metadata }) => metadata.name),
    [],
    'pods that are held',
  )
  assert.deepEqual(
    pods.filter(isActive).map(({ metadata }) => metadata.name),
    [],
    'pods that nobody wants',
  )
}

function pick<T>({ random }: Stage, from: readonly T[]): T | undefined {
  return from[Math.floor(random.fraction() * from.length)]
}

async function deletePod(stage: Stage): Promise<void> {
  // Those that ended are left alone: what was deleted before anybody counted it could not be held against the counts.
  const { metadata } = pick(stage, (await stage.cluster.pods()).filter(isActive)) ?? { metadata: { name: undefined } }
  if (metadata.name) await stage.cluster.client.delete('v1', 'Pod', { namespace: 'default', name: metadata.name })
}

async function loseNode(stage: Stage): Promise<void> {
  await pick(stage, stage.cluster.machines)?.kill(stage.random.fraction() < 0.5 ? 'silence' : 'crash')
}

async function suspendOrResume(stage: Stage): Promise<void> {
  const one = pick(
    stage,
    (await stage.cluster.list('batch/v1', 'Job')).filter((each) => !isOver(each)),
  )
  if (!one) return
  const body = { spec: { suspend: !one.spec.suspend } }
  await stage.cluster.client.patch('batch/v1', 'Job', { namespace: 'default', name: one.metadata.name ?? '' }, { type: 'merge', body })
}

/** Whoever wrote from an older state is refused. */
async function touchStatus(stage: Stage): Promise<void> {
  for (const { metadata } of await stage.cluster.list('batch/v1', 'Job')) {
    const body = { metadata: { annotations: { touched: `${stage.cluster.clock.now()}` } } }
    await stage.cluster.client.patch('batch/v1', 'Job', { namespace: 'default', name: metadata.name ?? '' }, { type: 'merge', body })
  }
}
