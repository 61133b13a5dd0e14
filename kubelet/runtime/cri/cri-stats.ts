import { isMissing } from '../../../shared/grpc/grpc-client.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import { interfacesOfProcess } from '../interface-stats.ts'
import { usageByProcess } from '../process-usage.ts'
import type { CriClient } from './cri-client.ts'
import type { CriInspect } from './cri-inspect.ts'
import { sizeOf } from './cri-rotation.ts'
import { sandboxPid } from './cri-sandboxes.ts'

type Stats = Pick<ContainerRuntime, 'stats' | 'writtenBytes'> & { networkStats: NonNullable<ContainerRuntime['networkStats']> }

/** What containers use and write, and the traffic as the first process of a sandbox sees it. */
export function criStats(cri: CriClient, inspect: CriInspect, clock: Clock): Stats {
  const firstProcess = async (id: string, signal: AbortSignal) => {
    const details = await inspect.fresh(id, signal)
    return details?.status.state === 'running' ? details.pid : undefined
  }
  return {
    stats: usageByProcess(firstProcess, clock),
    async networkStats(sandboxId, signal) {
      const pid = await sandboxPid(cri, sandboxId, signal)
      return pid === undefined ? undefined : interfacesOfProcess(pid)
    },
    async writtenBytes(id, signal) {
      try {
        const { stats } = await cri.call('ContainerStats', { containerId: id }, { signal })
        const details = await inspect.fresh(id, signal)
        return Number(stats?.writableLayer?.usedBytes?.value ?? 0) + (details?.logPath ? await sizeOf(details.logPath) : 0)
      } catch (error) {
        if (isMissing(error)) return 0
        throw error
      }
    },
  }
}
