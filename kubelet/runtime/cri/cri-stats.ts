import type { Clock } from '../../../shared/time/clock.ts'
import { type CgroupFolders, foldersOfProcess, isGone, readCgroupUsage } from '../cgroup-usage.ts'
import type { ContainerRuntime } from '../container-runtime.ts'
import { interfacesOfProcess } from '../interface-stats.ts'
import { type CriClient, isMissing } from './cri-client.ts'
import type { CriInspect } from './cri-inspect.ts'
import { sizeOf } from './cri-rotation.ts'
import { sandboxPid } from './cri-sandboxes.ts'

/** Containers whose folders are remembered; more than a node runs. */
const REMEMBERED = 2_000

type Stats = Pick<ContainerRuntime, 'stats' | 'writtenBytes'> & { networkStats: NonNullable<ContainerRuntime['networkStats']> }

/**
 * Usage read from control groups, which is the same for every runtime and costs it nothing. Where the files are follows from the container's
 * first process, asked once.
 */
export function criStats(cri: CriClient, inspect: CriInspect, clock: Clock, root = '/sys/fs/cgroup'): Stats {
  const known = new Map<string, CgroupFolders>()
  const find = async (id: string, signal: AbortSignal): Promise<CgroupFolders | undefined> => {
    const details = await inspect.fresh(id, signal)
    if (details?.status.state !== 'running' || details.pid === undefined) return undefined
    const folders = await foldersOfProcess(details.pid, root)
    if (known.size >= REMEMBERED) known.clear()
    known.set(id, folders)
    return folders
  }
  return {
    async stats(id, signal) {
      try {
        const folders = known.get(id) ?? (await find(id, signal))
        return folders && { containerId: id, measuredAt: clock.now(), ...(await readCgroupUsage(folders)) }
      } catch (error) {
        known.delete(id)
        if (isGone(error)) return undefined
        throw error
      }
    },
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
