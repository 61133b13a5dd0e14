import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Node, NodeStatus } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { keepNodeLease } from './node-lease.ts'
import { type NodeReport, nodeReport, type Observation } from './node-report.ts'
import { nodeStatusLoop } from './node-status.ts'
import { type NodeIdentity, registerNode } from './registration.ts'

export interface NodeKeeperOptions {
  identity: NodeIdentity
  client: Client
  /** Of this node alone. */
  nodes: Informer<Node>
  observe(signal: AbortSignal): Promise<Observation>
  /** Takes a listener for what the node has to say at once: it is short of something, or going down, or not any more. */
  onStrain?(listener: () => void): void
  events: EventRecorder
  clock: Clock
  log: Logger
  lookEvery: number
  reportEvery: number
  renewEvery: number
  leaseSeconds: number
}

/** Registers the node, then keeps its lease and its status until the signal aborts. */
export async function keepNode(options: NodeKeeperOptions, signal: AbortSignal): Promise<void> {
  const { identity, client, nodes, observe, events, clock, log } = options
  const tools = { client, clock, log }
  const report = async () => nodeReport(await observe(signal), undefined, clock.now())
  const node = await registerNode(identity, report, tools, signal)
  events.record(node, 'Normal', 'Starting', 'Starting kubelet.')
  const status = nodeStatusLoop({
    ...tools,
    nodeName: identity.name,
    observe,
    current: () => nodes.cache.get(identity.name)?.status,
    reported: (report, before) => {
      for (const reason of turns(report, before)) {
        events.record(node, 'Normal', reason, `Node ${identity.name} status is now: ${reason}`)
      }
    },
    lookEvery: options.lookEvery,
    reportEvery: options.reportEvery,
  })
  // The pod range arrives a moment after registration; the node is Ready as soon as it has one.
  const unsubscribe = nodes.onChange((_key, current, previous) => {
    if (current?.spec.podCIDR !== previous?.spec.podCIDR) status.lookNow()
  })
  options.onStrain?.(() => status.lookNow())
  const lease = { ...tools, nodeName: identity.name, renewEvery: options.renewEvery, durationSeconds: options.leaseSeconds }
  await Promise.all([keepNodeLease(lease, signal), status.run(signal)])
  unsubscribe()
}

/** Condition → what its event is called when it becomes true, and false. */
const TURNS: Readonly<Record<string, readonly [string, string]>> = {
  Ready: ['NodeReady', 'NodeNotReady'],
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
}

/** The conditions that changed, by the names of their events. */
function* turns(report: NodeReport, before: NodeStatus): Iterable<string> {
  for (const { type, status } of report.conditions) {
    const [whenTrue, whenFalse] = TURNS[type] ?? []
    const reason = status === 'True' ? whenTrue : whenFalse
    if (reason && before.conditions?.find((one) => one.type === type)?.status !== status) yield reason
  }
}
