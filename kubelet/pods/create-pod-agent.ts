import { readFileSync } from 'node:fs'
import { familiesOf } from '../../shared/addresses/ip-families.ts'
import type { Client } from '../../shared/client/client.ts'
import { createEventRecorder } from '../../shared/client/queued-event-recorder.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { podMtu } from '../../shared/pods/overlay.ts'
import type { ProcessTools } from '../../shared/process/run.ts'
import type { KubeletConfig } from '../config.ts'
import { createEviction } from '../eviction/create-eviction.ts'
import { podRanges } from '../network/pod-ranges.ts'
import { parseResolvConf } from '../network/resolv-conf.ts'
import { hasAppArmor } from '../node/app-armor.ts'
import { measureCapacity } from '../node/capacity.ts'
import { ownMtu } from '../node/node-settings.ts'
import { createProber } from '../probes/create-prober.ts'
import { logLinks } from '../runtime/log-links.ts'
import { nodeRuntime } from '../runtime/node-runtime.ts'
import { createShutdown } from '../shutdown/create-shutdown.ts'
import { createStaticPods } from '../static-pods/create-static-pods.ts'
import { createPodWorkers } from './create-pod-workers.ts'
import { nodeStorage } from './node-storage.ts'
import type { PodWorkers } from './pod-workers.ts'
import { sysctlNames } from './sysctl-names.ts'

export interface PodAgentOptions {
  config: KubeletConfig
  /** The node's addresses as far as they are known. */
  hostIPs: () => readonly string[]
  /** May be one that has no connection yet. */
  client: Client
  /** Called when pods have ended because of a SIGPWR: the kubelet is to end, too. */
  onPowerFailure: () => void
  tools: ProcessTools
  signal: AbortSignal
}

/** What runs pods on this node. */
export type PodAgent = Awaited<ReturnType<typeof createPodAgent>>

/**
 * All that runs pods on this machine: engine, network, volumes, workers. Needs no identity and no API server; what is asked of that waits. Starts
 * nothing: informers, workers, static pods and folders are the caller's to start.
 */
export async function createPodAgent({ config, hostIPs, client, onPowerFailure, tools, signal }: PodAgentOptions) {
  const { clock, log } = tools
  const { nodeName, rootDir } = config
  const informers = createInformers({ client, ...tools })
  const events = createEventRecorder({ client, ...tools }, { component: 'kubelet', host: nodeName })
  const nodes = informers.of('v1', 'Node', { fieldSelector: `metadata.name=${nodeName}` })
  const node = () => nodes.cache.get(nodeName)
  const [capacity, mtu] = await Promise.all([
    measureCapacity({ rootDir }),
    config.podMtu === 0 ? ownMtu().then((own) => podMtu(own, config.overlay, familiesOf(config.nodeIp))) : config.podMtu,
  ])

  const { runtime, network, ...own } = await nodeRuntime({ config, podRanges: podRanges(nodes, nodeName, rootDir), mtu, clock, log })
  const runtimeName = await own.name(signal)
  const csiDrivers = informers.of('storage.k8s.io/v1', 'CSIDriver')
  const { objects, folders, csi, volumes, files } = nodeStorage({
    ...{ rootDir, nodeName, clusterDomain: config.clusterDomain, client, node, events, clock, log },
    reported: () => node()?.status,
    settings: (name) => csiDrivers.cache.get(name),
  })
  const links = logLinks({ runtime, podLogsDir: config.podLogsDir, containerLogsDir: config.containerLogsDir, clock, log })
  const statics = createStaticPods(config, tools)
  const shutdown = createShutdown({
    ...{ settings: config, workers: () => workers, onPowerFailure, node, events, clock, log },
  })
  const imagesSeen = new Map<string, number>()
  const eviction = createEviction({
    ...{ settings: config, places: { rootDir }, runtime, workers: () => workers, imagesSeen, node, events, clock, log },
  })
  const workers: PodWorkers = createPodWorkers({
    pressure: () => eviction.pressure,
    onRuntimeEvent: links.wake,
    isShuttingDown: () => shutdown.isShuttingDown,
    ...{ nodeName, runtime, runtimeName, client, informers, statics, events, node, objects, clock, log, signal },
    ...{ volumes, files },
    prober: createProber({ runtime, events, clock, log }),
    clusterDns: { servers: config.clusterDns, domain: config.clusterDomain },
    podPidsLimit: config.podPidsLimit,
    nodeDns: () => parseResolvConf(readResolvConf(config.resolvConf)),
    hostIPs,
    memoryBytes: capacity.memoryBytes,
    hasAppArmor,
    allowedSysctls: sysctlNames(config.allowedUnsafeSysctls),
    parallelPulls: config.serializeImagePulls ? 1 : config.maxParallelImagePulls,
  })
  return {
    informers,
    events,
    nodes,
    network,
    runtime,
    folders,
    csi,
    statics,
    workers,
    volumes,
    eviction,
    shutdown,
    imagesSeen,
    links,
    housekeeping: own.housekeeping,
  }
}

function readResolvConf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // a machine without one resolves nothing; pods with the cluster's DNS do not need it
  }
}
