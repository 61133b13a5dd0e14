import type { Clock } from '../../../shared/time/clock.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import { interfacesOfProcess } from '../interface-stats.ts'
import { usageByProcess } from '../process-usage.ts'
import type { DockerInspect } from './docker-inspect.ts'

/** What containers use, and the traffic as the first process of a sandbox sees it. */
export function dockerStats(inspect: DockerInspect, clock: Clock): Required<Pick<ContainerRuntime, 'stats' | 'networkStats'>> {
  const firstProcess = async (id: string, signal: AbortSignal) => {
    const details = await inspect.fresh(id, signal)
    return details?.State.Running ? details.State.Pid : undefined
  }
  return {
    stats: usageByProcess(firstProcess, clock),
    async networkStats(sandboxId, signal) {
      const process = await firstProcess(sandboxId, signal)
      return process === undefined ? undefined : interfacesOfProcess(process)
    },
  }
}
