import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { claimsOfPod } from '../../shared/volumes/pod-claims.ts'
import type { Headroom } from '../node/capacity.ts'
import type { StorageUse } from '../pods/local-storage.ts'
import type { CgroupUsage } from '../runtime/cgroup-usage.ts'
import type { InterfaceStats } from '../runtime/container-runtime.ts'
import type { PodStorage } from './storage-meter.ts'
import type { CpuRates, MeasuredContainer, MeasuredPod, Usage } from './usage-meter.ts'
import type { MeasuredVolumes } from './volume-meter.ts'

/** What the summary is made of besides CPU and memory. */
export interface SummaryParts {
  readonly nodeName: string
  /** When the node began, milliseconds since the epoch. */
  readonly nodeStart: number
  readonly headroom: Headroom
  /** By pod uid; left out when only CPU and memory were asked for. */
  readonly interfaces?: ReadonlyMap<string, readonly InterfaceStats[]> | undefined
  readonly nodeInterfaces?: readonly InterfaceStats[] | undefined
  readonly storage?: PodStorage | undefined
  /** Those that are not the pod's local storage. */
  readonly volumes?: MeasuredVolumes | undefined
}

/** Usage of the node, its pods, containers and volumes in the shape of upstream's `/stats/summary` (k8s.io/kubelet stats/v1alpha1 Summary). */
export function summaryOf(usage: Usage, rates: CpuRates, parts: SummaryParts): object {
  const { headroom, nodeInterfaces } = parts
  const time = timestamp(usage.at)
  return {
    node: {
      nodeName: parts.nodeName,
      startTime: timestamp(parts.nodeStart),
      cpu: cpu(time, usage.machine.cpuNanoseconds, rates.get('')),
      memory: { ...memory(time, usage.machine), availableBytes: headroom.memoryBytes },
      ...(nodeInterfaces ? { network: network(time, nodeInterfaces) } : {}),
      fs: fileSystem(time, headroom, headroom.storageTotal - headroom.storageBytes),
    },
    pods: usage.pods.map((one) => podSummary(one, time, rates, parts)),
  }
}

function podSummary({ pod, containers }: MeasuredPod, time: string, rates: CpuRates, parts: SummaryParts): object {
  const { name, namespace, uid = '' } = pod.metadata
  const storage = parts.storage?.get(uid)
  const interfaces = parts.interfaces?.get(uid)
  const measuredRates = containers.map(({ id }) => rates.get(id)).filter((rate) => rate !== undefined)
  const sum = (value: (one: MeasuredContainer) => number) => containers.reduce((total, one) => total + value(one), 0)
  const together: CgroupUsage = {
    cpuNanoseconds: containers.reduce((total, { stats }) => total + stats.cpuNanoseconds, 0n),
    memoryBytes: sum(({ stats }) => stats.memoryBytes),
    workingSetBytes: sum(({ stats }) => stats.workingSetBytes),
    rssBytes: sum(({ stats }) => stats.rssBytes ?? 0),
    pageFaults: sum(({ stats }) => stats.pageFaults ?? 0),
    majorPageFaults: sum(({ stats }) => stats.majorPageFaults ?? 0),
  }
  const rate = measuredRates.length === 0 ? undefined : measuredRates.reduce((total, one) => total + one, 0)
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status.startTime ?? time,
    containers: containers.map((one) => containerSummary(one, rates.get(one.id), storage?.use.containers.get(one.name), parts.headroom)),
    cpu: cpu(time, together.cpuNanoseconds, rate),
    memory: memory(time, together),
    ...(interfaces ? { network: network(time, interfaces) } : {}),
    ...(storage
      ? {
          volume: [
            ...[...storage.use.volumes].map(([volume, usedBytes]) => ({
              ...{ name: volume, ...fileSystem(timestamp(storage.at), parts.headroom, usedBytes) },
            })),
            ...volumeSummaries(pod, parts.volumes?.get(uid)),
          ],
          'ephemeral-storage': fileSystem(timestamp(storage.at), parts.headroom, storageSum(storage.use)),
        }
      : {}),
  }
}

function volumeSummaries(pod: Pod, measured: ReturnType<MeasuredVolumes['get']>): object[] {
  const claims = new Map(claimsOfPod(pod).map(({ volume, claimName }) => [volume, claimName]))
  return [...(measured?.volumes ?? [])].map(([name, usage]) => {
    const claim = claims.get(name)
    return {
      ...{ time: timestamp(measured?.at ?? 0), ...usage, name },
      ...(claim === undefined ? {} : { pvcRef: { name: claim, namespace: pod.metadata.namespace } }),
    }
  })
}

function containerSummary(
  { name, startedAt, stats }: MeasuredContainer,
  rate: number | undefined,
  written: number | undefined,
  headroom: Headroom,
): object {
  const time = timestamp(stats.measuredAt)
  return {
    name,
    startTime: timestamp(startedAt),
    cpu: cpu(time, stats.cpuNanoseconds, rate),
    memory: memory(time, stats),
    ...(written === undefined ? {} : { rootfs: fileSystem(time, headroom, written) }),
  }
}

function cpu(time: string, used: bigint, rate: number | undefined): object {
  return { time, ...(rate === undefined ? {} : { usageNanoCores: rate }), usageCoreNanoSeconds: Number(used) }
}

function memory(time: string, used: CgroupUsage): object {
  const { memoryBytes, workingSetBytes, rssBytes, memoryLimitBytes, pageFaults, majorPageFaults } = used
  return {
    time,
    ...(memoryLimitBytes === undefined ? {} : { availableBytes: Math.max(0, memoryLimitBytes - workingSetBytes) }),
    usageBytes: memoryBytes,
    workingSetBytes,
    ...(rssBytes === undefined ? {} : { rssBytes }),
    ...(pageFaults === undefined ? {} : { pageFaults }),
    ...(majorPageFaults === undefined ? {} : { majorPageFaults }),
  }
}

/** The first interface is the one that names the pod's traffic, as upstream has it (`eth0`). */
function network(time: string, interfaces: readonly InterfaceStats[]): object {
  const main = interfaces.find(({ name }) => name === 'eth0') ?? interfaces[0]
  return { time, ...main, interfaces }
}

function fileSystem(time: string, { storageBytes, storageTotal, inodes, inodesTotal }: Headroom, usedBytes: number): object {
  return {
    ...{ time, availableBytes: storageBytes, capacityBytes: storageTotal, usedBytes },
    ...(inodes === undefined ? {} : { inodesFree: inodes, inodes: inodesTotal }),
  }
}

function storageSum({ volumes, containers }: StorageUse): number {
  return [...volumes.values(), ...containers.values()].reduce((sum, one) => sum + one, 0)
}
