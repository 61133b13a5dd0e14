import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { breakConnections, outOfReach } from '../../simulation/faults/disturbances.ts'
import { type MortalComponent, mortalControllerManager, mortalScheduler } from '../../simulation/faults/mortal-components.ts'
import { checkAlways, checkSettled } from '../../simulation/invariants.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment, podTemplate, service } from './workloads.ts'

const SECOND = 1_000
const APPS = ['red', 'green', 'blue']
const TOLERATION_SECONDS = 15

/** Everything a story needs at hand. */
interface Stage {
  cluster: SimulatedCluster
  manager: MortalComponent
  scheduler: MortalComponent
  random: Random
  /** What was done, with the virtual second; printed when the story fails. */
  log: string[]
}

/** What can happen, and how often compared with the rest. */
const happenings: readonly [weight: number, name: string, happen: (stage: Stage) => Promise<unknown>][] = [
  [4, 'scale', (stage) => change(stage, { spec: { replicas: upTo(stage, 8) } })],
  [
    4,
    'new image',
    (stage) => change(stage, { spec: { template: { spec: { containers: [{ name: 'main', image: `app:${upTo(stage, 3)}` }] } } } }),
  ],
  [1, 'pause or resume', (stage) => change(stage, { spec: { paused: stage.random.fraction() < 0.5 } })],
  [4, 'delete a pod', deletePod],
  [1, 'delete a deployment', deleteDeployment],
  [3, 'lose a node', loseNode],
  [3, 'find nodes again', (stage) => Promise.all(stage.cluster.machines.map((machine) => machine.revive()))],
  [2, 'restart the API server', ({ cluster }) => cluster.restartApi()],
  [2, 'kill the controller manager', ({ manager }) => manager.replace()],
  [2, 'kill the scheduler', ({ scheduler }) => scheduler.replace()],
  [3, 'break connections', breakConnections],
  [1, 'the server is out of reach', (stage) => outOfReach(stage, 8 * SECOND)],
]

/** Lives through one story of faults, and checks what must always hold and what must hold in the end. Failures name seed and events. */
export async function liveThrough(context: TestContext, seed: number, seconds: number): Promise<void> {
  const random = seededRandom(seed * 7919)
  // Writes take a few turns of the loop, so that seeds differ in who comes first.
  const medium = async (write: () => Promise<void>) => {
    for (let turns = Math.floor(random.fraction() * 3); turns > 0; turns--) await nextTurn()
    await write()
  }
  // Most news arrive at once, some late: caches are behind by as much.
  const lag = () => (random.fraction() < 0.7 ? 0 : upToOf(random, 300))
  const cluster = await startSimulatedCluster(context, {
    ...{ controllers: [], scheduler: false, nodes: 4, seed, storage: { medium } },
    controllerSettings: { nodeMonitorGracePeriod: 20 * SECOND, nodeMonitorPeriod: 2 * SECOND, nodeEvictionRate: 10 },
    machine: {
      script: ({ spec }) => ({
        startMilliseconds: 100 + (spec.containers.length * 37 + upToOf(random, 900)),
        stopMilliseconds: upToOf(random, 500),
      }),
    },
  })
  const stage: Stage = {
    cluster,
    random,
    log: [],
    manager: await mortalControllerManager(cluster, lag),
    scheduler: await mortalScheduler(cluster, lag),
  }
  try {
    await cluster.clock.advance(SECOND)
    for (const name of APPS) {
      await createDeployment(stage, name, 1 + upTo(stage, 5))
      await cluster.client.create('v1', 'Service', service(name))
    }
    const end = cluster.clock.now() + seconds * SECOND
    while (cluster.clock.now() < end) {
      const [, name, happen] = draw(random)
      stage.log.push(`${((cluster.clock.now() - end) / SECOND + seconds).toFixed(1)} s: ${name}`)
      await happen(stage)
      await cluster.clock.advance(upTo(stage, 3 * SECOND))
      await checkAlways(cluster)
    }
    await settle(stage)
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}\n${stage.log.join('\n')}`, { cause: error })
  } finally {
    await stage.manager.stop()
    await stage.scheduler.stop()
  }
}

/** All faults end; then everything must be as it was asked for. */
async function settle({ cluster }: Stage): Promise<void> {
  for (const machine of cluster.machines) await machine.revive()
  for (const { metadata } of await cluster.list('apps/v1', 'Deployment')) {
    await cluster.client.patch(
      'apps/v1',
      'Deployment',
      { namespace: 'default', name: metadata.name ?? '' },
      { type: 'merge', body: { spec: { paused: null } } },
    )
  }
  let problem: unknown
  try {
    await cluster.until(
      'settled',
      async () => {
        try {
          await checkSettled(cluster)
          return true
        } catch (error) {
          problem = error
          return false
        }
      },
      240 * SECOND,
      SECOND,
    )
  } catch (error) {
    throw new Error(
      `never settled: ${problem instanceof Error ? problem.message : problem}\n${error instanceof Error ? error.message : error}`,
      { cause: problem },
    )
  }
  // And it stays so.
  await cluster.clock.advance(40 * SECOND)
  await checkSettled(cluster)
}

function draw(random: Random) {
  const total = happenings.reduce((sum, [weight]) => sum + weight, 0)
  let left = random.fraction() * total
  for (const happening of happenings) {
    left -= happening[0]
    if (left < 0) return happening
  }
  throw new Error('nothing can happen')
}

const upToOf = (random: Random, limit: number) => Math.floor(random.fraction() * (limit + 1))
const upTo = ({ random }: Stage, limit: number) => upToOf(random, limit)
const pick = <T>(stage: Stage, from: readonly T[]): T | undefined => from[upTo(stage, from.length - 1)]

function createDeployment({ cluster }: Stage, name: string, replicas: number) {
  const template = podTemplate(name, 'app:0')
  const tolerations = ['not-ready', 'unreachable'].map((what) => ({
    ...{ key: `node.kubernetes.io/${what}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS },
  }))
  return cluster.client.create(
    'apps/v1',
    'Deployment',
    deployment(name, replicas, { template: { ...template, spec: { ...template.spec, tolerations } } }),
  )
}

async function change(stage: Stage, body: object): Promise<void> {
  const deployments = await stage.cluster.list('apps/v1', 'Deployment')
  const { metadata } = pick(stage, deployments) ?? { metadata: { name: undefined } }
  if (metadata.name)
    await stage.cluster.client.patch('apps/v1', 'Deployment', { namespace: 'default', name: metadata.name }, { type: 'strategic', body })
}

async function deletePod(stage: Stage): Promise<void> {
  const { metadata } = pick(stage, await stage.cluster.pods()) ?? { metadata: { name: undefined } }
  if (metadata.name) await stage.cluster.client.delete('v1', 'Pod', { namespace: 'default', name: metadata.name })
}

/** With any policy; a while later it is made again, and takes over what was orphaned. */
async function deleteDeployment(stage: Stage): Promise<void> {
  const { client, clock } = stage.cluster
  const { metadata } = pick(stage, await stage.cluster.list('apps/v1', 'Deployment')) ?? { metadata: { name: undefined } }
  const name = metadata.name ?? ''
  if (!name) return
  const propagationPolicy = pick(stage, ['Background', 'Foreground', 'Orphan'] as const) ?? 'Background'
  await client.delete('apps/v1', 'Deployment', { namespace: 'default', name }, { propagationPolicy })
  stage.log.push(`  ${name}, ${propagationPolicy}`)
  for (const machine of stage.cluster.machines) await machine.revive()
  for (let wait = 0; await stage.cluster.find('apps/v1', 'Deployment', name); wait++) {
    assert.ok(wait < 240, `${name} was deleted (${propagationPolicy}) and does not go`)
    await clock.advance(500)
  }
  await createDeployment(stage, name, 1 + upTo(stage, 5))
}

async function loseNode(stage: Stage): Promise<void> {
  const machine = pick(stage, stage.cluster.machines)
  const how = stage.random.fraction() < 0.5 ? 'silence' : 'crash'
  stage.log.push(`  ${machine?.name}, ${how}`)
  await machine?.kill(how)
}
