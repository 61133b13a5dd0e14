import { readFile } from 'node:fs/promises'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type MachinePlaces, measureCapacity, measureHeadroom } from '../node/capacity.ts'
import { measureStorage } from '../pods/measure-storage.ts'
import type { ContainerRuntime, InterfaceStats } from '../runtime/container-runtime.ts'
import { parseNetDev } from '../runtime/interface-stats.ts'
import type { PodVolumes } from '../volumes/volume.ts'
import { cadvisorMetrics } from './cadvisor-metrics.ts'
import { measureMachine } from './machine-usage.ts'
import { resourceMetrics } from './resource-metrics.ts'
import { StorageMeter } from './storage-meter.ts'
import { summaryOf } from './summary.ts'
import { UsageMeter } from './usage-meter.ts'
import { VolumeMeter } from './volume-meter.ts'
import { volumeMetrics } from './volume-metrics.ts'

/** What the node says of its usage, as the three documents that upstream's kubelet serves. Each is measured when it is asked for. */
export interface NodeStats {
  /** `/stats/summary`; disks and networks are left out when only CPU and memory are wanted. */
  summary(options: { onlyCpuAndMemory: boolean }, signal: AbortSignal): Promise<object>
  /** `/metrics/resource` */
  resources(signal: AbortSignal): Promise<string>
  /** `/metrics/cadvisor` */
  containers(signal: AbortSignal): Promise<string>
  /** Of claims, for `/metrics`. */
  volumes(signal: AbortSignal): Promise<string>
}

export interface NodeStatsOptions {
  readonly nodeName: string
  readonly places: MachinePlaces
  readonly runtime: ContainerRuntime
  pods(): readonly Pod[]
  readonly volumes: Pick<PodVolumes, 'usage'>
  readonly clock: Clock
}

export function createNodeStats({ nodeName, places, runtime, pods, volumes, clock }: NodeStatsOptions): NodeStats {
  const meter = new UsageMeter({ runtime, pods, machine: () => measureMachine(places.treeRoot), clock })
  const storage = new StorageMeter({ measure: (pod, signal) => measureStorage(pod, places.rootDir, runtime, signal), clock })
  const volumeMeter = new VolumeMeter({ measure: volumes.usage, clock })
  const nodeStart = clock.now()
  return {
    async summary({ onlyCpuAndMemory }, signal) {
      const [{ usage, rates }, headroom] = await Promise.all([meter.measureRates(signal), measureHeadroom(places)])
      const parts = { nodeName, nodeStart, headroom }
      if (onlyCpuAndMemory) return summaryOf(usage, rates, parts)
      const [interfaces, nodeInterfaces, used, held] = await Promise.all([
        interfacesOfPods(runtime, pods(), signal),
        readFile('/proc/self/net/dev', 'utf8').then(parseNetDev),
        storage.measure(pods(), signal),
        volumeMeter.measure(pods(), signal),
      ])
      return summaryOf(usage, rates, { ...parts, interfaces, nodeInterfaces, storage: used, volumes: held })
    },
    volumes: async (signal) => volumeMetrics(await volumeMeter.measure(pods(), signal)),
    resources: async (signal) => resourceMetrics(await meter.measure(signal)),
    async containers(signal) {
      const [usage, capacity, interfaces] = await Promise.all([
        meter.measure(signal),
        measureCapacity(places),
        interfacesOfPods(runtime, pods(), signal),
      ])
      return cadvisorMetrics(usage, capacity, interfaces)
    },
  }
}

/** By pod uid. Pods in the machine's own network have no interfaces of their own. */
async function interfacesOfPods(
  runtime: Pick<ContainerRuntime, 'listSandboxes' | 'networkStats'>,
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly InterfaceStats[]>> {
  const found = new Map<string, readonly InterfaceStats[]>()
  if (!runtime.networkStats) return found
  const own = new Set(pods.filter(({ spec }) => !spec.hostNetwork).map(({ metadata }) => metadata.uid))
  for (const { id, state, pod } of await runtime.listSandboxes({}, signal)) {
    if (state !== 'ready' || !own.has(pod.uid)) continue
    const interfaces = await runtime.networkStats(id, signal)
    if (interfaces) found.set(pod.uid, interfaces)
  }
  return found
}
