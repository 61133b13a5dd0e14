import type { Clock } from '../../shared/time/clock.ts'
import { type CgroupFolders, foldersOfProcess, isGone, readCgroupUsage } from './cgroup-usage.ts'
import type { ContainerRuntime } from './container-runtime.ts'

/** Containers whose folders are remembered; more than a node runs. */
const REMEMBERED = 2_000

/**
 * Usage read from control groups, which is the same for every runtime and costs it nothing (Docker's own answer takes a whole second). Where the
 * files are follows from the container's first process, asked once: its group keeps its place as long as it runs.
 * @param firstProcess undefined for a container that does not run
 */
export function usageByProcess(
  firstProcess: (id: string, signal: AbortSignal) => Promise<number | undefined>,
  clock: Clock,
  root = '/sys/fs/cgroup',
): ContainerRuntime['stats'] {
  const known = new Map<string, CgroupFolders>()
  const find = async (id: string, signal: AbortSignal): Promise<CgroupFolders | undefined> => {
    const process = await firstProcess(id, signal)
    if (process === undefined) return undefined
    const folders = await foldersOfProcess(process, root)
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
