import type { Clock } from '../../../shared/time/clock.ts'
import { type CgroupFolders, foldersOfProcess, isGone, readCgroupUsage } from '../cgroup-usage.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import { interfacesOfProcess } from '../interface-stats.ts'
import type { InspectCache } from './docker-inspect.ts'

/** Containers whose folders are remembered; more than a node runs. */
const REMEMBERED = 2_000

/**
 * Usage read from the container's cgroup files: the engine's own answer takes a whole second. Where the files are is asked of the engine
 * once a container, because its group keeps its place as long as it runs.
 */
export function dockerStats(inspect: InspectCache, clock: Clock, root = '/sys/fs/cgroup'): ContainerRuntime['stats'] {
  const known = new Map<string, CgroupFolders>()
  const find = async (id: string, signal: AbortSignal): Promise<CgroupFolders | undefined> => {
    const details = await inspect.fresh(id, signal)
    if (!details?.State.Running) return undefined
    const folders = await foldersOfProcess(details.State.Pid, root)
    if (known.size >= REMEMBERED) known.clear()
    known.set(id, folders)
    return folders
  }
  return async (id, signal) => {
    try {
      const folders = known.get(id) ?? (await find(id, signal))
      return folders && { containerId: id, measuredAt: clock.now(), ...(await readCgroupUsage(folders)) }
    } catch (error) {
      known.delete(id)
      if (isGone(error)) return undefined
      throw error
    }
  }
}

/** Traffic as the first process of the sandbox sees it. */
export function dockerNetworkStats(inspect: InspectCache): NonNullable<ContainerRuntime['networkStats']> {
  return async (sandboxId, signal) => {
    const details = await inspect.fresh(sandboxId, signal)
    if (!details?.State.Running) return undefined
    return interfacesOfProcess(details.State.Pid)
  }
}
