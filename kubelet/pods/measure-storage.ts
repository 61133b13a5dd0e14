import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { diskUsage } from '../volumes/disk-usage.ts'
import { EMPTY_DIR } from '../volumes/empty-dir.ts'
import { type StorageUse, volumesOnDisk } from './local-storage.ts'
import { volumeDirectory } from './pod-directory.ts'

/** Measures what a pod has on this node's disk. A volume that is not made yet takes nothing. */
export async function measureStorage(
  pod: Pod,
  rootDir: string,
  runtime: Pick<ContainerRuntime, 'listContainers' | 'writtenBytes'>,
  signal: AbortSignal,
): Promise<StorageUse> {
  const uid = pod.metadata.uid ?? ''
  const volumes = new Map<string, number>()
  for (const { name } of volumesOnDisk(pod)) {
    const used = await diskUsage(volumeDirectory(rootDir, uid, EMPTY_DIR, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return 0
      throw error
    })
    volumes.set(name, used)
  }
  const containers = new Map<string, number>()
  for (const { id, name, state } of await runtime.listContainers({ podUid: uid }, signal)) {
    if (state === 'running') containers.set(name, await runtime.writtenBytes(id, signal))
  }
  return { volumes, containers }
}
