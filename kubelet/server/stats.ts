import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { Headroom } from '../node/capacity.ts'
import type { ContainerRuntime, ContainerStats } from '../runtime/container-runtime.ts'

/** What the usage summary is made of. */
export interface StatsSources {
  nodeName: string
  runtime: Pick<ContainerRuntime, 'listContainers' | 'stats'>
  pods(): readonly Pod[]
  headroom(): Promise<Headroom>
  memoryCapacity(): Promise<number>
  now(): number
}

/** How long a measurement serves everybody who asks; measuring costs the engine a call a container. Milliseconds. */
const FRESH = 5_000

/** Usage of the node and its containers in the shape of upstream's `/stats/summary`, which the metrics path reads. */
export function statsSummary(sources: StatsSources): (signal: AbortSignal) => Promise<unknown> {
  let last: { at: number; summary: unknown } | undefined
  return async (signal) => {
    if (last && sources.now() - last.at < FRESH) return last.summary
    const summary = await measure(sources, signal)
    last = { at: sources.now(), summary }
    return summary
  }
}

async function measure({ nodeName, runtime, pods, headroom, memoryCapacity, now }: StatsSources, signal: AbortSignal): Promise<unknown> {
  const [containers, left, capacity] = await Promise.all([runtime.listContainers({}, signal), headroom(), memoryCapacity()])
  const running = containers.filter((container) => container.state === 'running')
  const measured = await Promise.all(
    running.map(async (container) => ({
      container,
      // One that ended in this moment has nothing to say.
      stats: await runtime.stats(container.id, signal).catch(() => undefined),
    })),
  )
  const time = timestamp(now())
  const memoryUsed = Math.max(0, capacity - left.memoryBytes)
  const ofPods = pods().map((pod) => {
    const own = measured.filter(({ container, stats }) => stats && container.labels['io.kubernetes.pod.uid'] === pod.metadata.uid)
    return {
      podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
      startTime: pod.status.startTime ?? time,
      containers: own.map(({ container, stats }) => ({
        name: container.name,
        startTime: timestamp(container.startedAt ?? container.createdAt),
        ...(stats ? usage(stats) : {}),
      })),
    }
  })
  const cpu = measured.reduce((sum, { stats }) => sum + (stats?.cpuNanoseconds ?? 0n), 0n)
  return {
    node: {
      nodeName,
      cpu: { time, usageCoreNanoSeconds: Number(cpu) },
      memory: { time, availableBytes: left.memoryBytes, usageBytes: memoryUsed, workingSetBytes: memoryUsed },
      fs: {
        time,
        availableBytes: left.storageBytes,
        capacityBytes: left.storageTotal,
        usedBytes: left.storageTotal - left.storageBytes,
        ...(left.inodes === undefined ? {} : { inodesFree: left.inodes, inodes: left.inodesTotal }),
      },
    },
    pods: ofPods,
  }
}

function usage(stats: ContainerStats): object {
  const time = timestamp(stats.measuredAt)
  return {
    cpu: { time, usageCoreNanoSeconds: Number(stats.cpuNanoseconds) },
    memory: { time, usageBytes: stats.memoryBytes, workingSetBytes: stats.workingSetBytes },
  }
}
