import { join } from 'node:path'
import type { Client } from '../../shared/client/client.ts'
import type { Transport } from '../../shared/client/transport.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type InProcessCluster, startCluster } from '../cluster.ts'
import { type SimulatedMachine, simulatedMachine } from '../machines/simulated-machine.ts'
import { isReady } from '../pod-state.ts'
import { manualClock } from '../time/manual-clock.ts'
import { type Assumptions, assumptionSentences, scriptOf } from './assumptions.ts'
import { clockPath } from './clock-path.ts'
import { objectsOf } from './copied-objects.ts'
import { type ClusterCopy, type CopiedKind, copyCluster } from './copy-cluster.ts'
import { dialsNobody } from './dials-nobody.ts'
import { type Forecast, forecastOf } from './forecast.ts'
import { initialState } from './initial-state.ts'
import { createPacer, type Pacer } from './pacer.ts'
import { readingTransport } from './reading-transport.ts'

export interface ForkTools {
  /** The machine's time: that of whoever uses the fork. */
  readonly outside: Clock
  readonly random: Random
  readonly log: Logger
  /** Told when the fork cannot go on. */
  readonly fail: (error: unknown) => void
}

/** A cluster of its own that began as a copy of another one. */
export interface Fork {
  readonly url: string
  /** Path of a kubeconfig of the fork's administrator. */
  readonly kubeconfig: string
  readonly pacer: Pacer
  /** An administrator's client in this process, and what it goes by. */
  readonly client: Client
  readonly transport: Transport
  /** The machine loses power: nothing is reported from it any more. @throws Error when there is no such node, or it is silent already */
  loseNode(name: string): Promise<void>
  /** What became of the copy so far. @param done what was done to it, for the reader */
  forecast(done?: readonly string[]): Promise<Forecast>
  stop(): Promise<void>
}

/** All controllers but those that would write other credentials over the copied ones, or give ranges that are not known. */
const CONTROLLERS = ['*', '-root-ca-cert-publisher']
const REQUEST_TIMEOUT = '--request-timeout=10000h'

/** Starts a cluster that is what the copy is, with time standing still at the moment of the copy. Nothing in it knows of the live cluster. */
export async function createFork(copy: ClusterCopy, assumptions: Assumptions, tools: ForkTools): Promise<Fork> {
  const clock = manualClock(copy.time)
  const state = initialState(copy)
  const pacer = createPacer(clock, tools.outside, tools.fail)
  const cluster = await startCluster({
    ...{ clock, outsideClock: tools.outside, random: tools.random, log: tools.log, paths: clockPath(() => pacer), rule: dialsNobody },
    ...{ controllers: CONTROLLERS, scheduler: true, storage: { initial: state.initial } },
    controllerSettings: { allocateNodeCidrs: false },
    // A request's patience is counted on the fork's clock, and a jump is no reason to end those that are under way.
    apiServerFlags: [REQUEST_TIMEOUT, ...serviceRanges(state.kinds)],
  })
  const machines = await adoptNodes(cluster, assumptions, state.kinds)
  const transport = cluster.transportOf('what-if')
  return {
    url: cluster.api.url,
    kubeconfig: join(cluster.directory, 'credentials', 'admin.kubeconfig'),
    ...{ pacer, client: cluster.client, transport },
    async loseNode(name) {
      const machine = machines.get(name)
      if (!machine)
        throw new Error(`there is no node ${JSON.stringify(name)} that is ready; there are ${[...machines.keys()].join(', ') || 'none'}`)
      machines.delete(name)
      await machine.kill('crash')
    },
    async forecast(done = []) {
      const now = await copyCluster(readingTransport(transport), { namespaces: [], maxBytes: Number.MAX_SAFE_INTEGER, now: clock.now() })
      const sentences = { assumptions: assumptionSentences(assumptions), changed: state.changed, leftOut: copy.leftOut }
      return {
        ...forecastOf(state.kinds, now.kinds, copy.revision),
        ...sentences,
        moment: momentOf(copy),
        done,
        passedSeconds: pacer.pace.passed / 1000,
      }
    },
    async stop() {
      await pacer.stop()
      for (const machine of machines.values()) await machine.kill()
      await cluster.stop()
    },
  }
}

function momentOf({ revision, time }: ClusterCopy): Forecast['moment'] {
  return { revision: String(revision), time: new Date(time).toISOString() }
}

/** Cluster IPs of the copy must lie in the ranges that the fork's server knows. */
function serviceRanges(kinds: readonly CopiedKind[]): string[] {
  const ranges =
    objectsOf(kinds, 'servicecidrs.networking.k8s.io').find(({ metadata }) => metadata.name === 'kubernetes')?.spec?.cidrs ?? []
  const dns = objectsOf(kinds, 'services').find(({ metadata }) => metadata.name === 'kube-dns' && metadata.namespace === 'kube-system')
    ?.spec.clusterIPs
  const flags = ranges.length > 0 ? [`--service-cluster-ip-range=${ranges.join()}`] : []
  return dns && ranges.length > 0 ? [...flags, `--dns-address=${dns.join()}`] : flags
}

/** A machine for each node that reports now, running what runs there. */
async function adoptNodes(
  cluster: InProcessCluster,
  assumptions: Assumptions,
  kinds: readonly CopiedKind[],
): Promise<Map<string, SimulatedMachine>> {
  const pods = objectsOf(kinds, 'pods')
  const script = scriptOf(assumptions, new Map(pods.map((pod) => [pod.metadata.uid ?? '', pod])))
  const usedAddresses = new Set(pods.flatMap(({ status }) => (status.podIPs ?? []).map(({ ip }) => ip)))
  const machines = new Map<string, SimulatedMachine>()
  for (const node of objectsOf(kinds, 'nodes')) {
    const name = node.metadata.name ?? ''
    if (!isReady(node)) continue
    const here = pods.filter(({ spec, status }) => spec.nodeName === name && status.phase === 'Running')
    const running = new Map(here.map(({ metadata }) => [metadata.uid ?? '', `${metadata.namespace}/${metadata.name}`]))
    const machine = simulatedMachine(cluster.client, cluster.tools, { name, script, adopts: { running, usedAddresses } })
    machines.set(name, machine)
    await machine.start()
  }
  await cluster.clock.settle()
  return machines
}
