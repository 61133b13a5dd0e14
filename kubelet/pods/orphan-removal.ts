import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import { labelledGrace } from '../containers/container-labels.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import type { PodVolumes } from '../volumes/volume.ts'

export interface OrphanTools {
  runtime: ContainerRuntime
  volumes: PodVolumes
  removeFiles: (podUid: string) => Promise<void>
  /** Pods that left folders behind. */
  podsOnDisk: () => Promise<string[]>
  log: Logger
}

/** Ends and removes everything of pods that nobody looks after: they were deleted while this kubelet was away. */
export async function removeOrphans(tools: OrphanTools, isKnown: (podUid: string) => boolean, signal: AbortSignal): Promise<void> {
  const { runtime, log } = tools
  const [sandboxes, containers, onDisk] = await Promise.all([
    runtime.listSandboxes({}, signal),
    runtime.listContainers({}, signal),
    tools.podsOnDisk(),
  ])
  const podOfSandbox = new Map(sandboxes.map(({ id, pod }) => [id, pod.uid]))
  const uids = new Set([...podOfSandbox.values(), ...containers.map(({ podUid }) => podUid), ...onDisk])
  await Promise.all(
    [...uids]
      .filter((uid) => !isKnown(uid))
      .map(async (uid) => {
        try {
          await removeOrphan(uid)
        } catch (error) {
          if (!signal.aborted) log.warn('the remains of a pod could not be removed; trying again later', { uid, error: String(error) })
        }
      }),
  )

  async function removeOrphan(uid: string): Promise<void> {
    log.info('removing the remains of a pod that is gone', { uid })
    const own = containers.filter(({ podUid }) => podUid === uid)
    await Promise.all(
      own.filter(({ state }) => state === 'running').map((one) => runtime.stopContainer(one.id, labelledGrace(one), signal)),
    )
    for (const { id } of own) await runtime.removeContainer(id, signal)
    for (const { id, pod } of sandboxes) if (pod.uid === uid) await runtime.removeSandbox(id, signal)
    await tools.volumes.teardown(uid, signal)
    await tools.removeFiles(uid)
  }
}

/** Names of the pod folders under the kubelet's root. */
export async function podsOnDisk(rootDir: string): Promise<string[]> {
  try {
    return await readdir(join(rootDir, 'pods'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
