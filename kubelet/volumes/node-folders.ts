import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { PersistentVolume } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { FOLDER_FINALIZER } from '../../shared/volumes/annotations.ts'
import { nodeOfFolder } from '../../shared/volumes/node-folder.ts'
import { isThere, makeFolder, namesIn } from './folders.ts'
import type { Mounter } from './mounter.ts'
import { Turns } from './turns.ts'
import { VolumeError } from './volume.ts'

/** How often idle folders are asked after. */
const SWEEP_MILLISECONDS = 15_000

export interface NodeFoldersOptions {
  rootDir: string
  nodeName: string
  client: Client
  mounter: Mounter
  /** Names of the volumes that pods of this node have in use. */
  inUse(): Promise<ReadonlySet<string>>
  clock: Clock
  log: Logger
}

/** Folders of this node that are PersistentVolumes of the built-in provisioner. */
export interface NodeFolders {
  /** The volume's folder, made if it was never there. @throws VolumeError when it is another node's, or is lost */
  ensure(volume: PersistentVolume, signal: AbortSignal): Promise<string>
  /** Removes what was given up, again and again until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** Where such folders are; it survives pods, engine and kubelet, and in compose the worker's container. */
export function foldersOfNode(rootDir: string): string {
  return join(rootDir, 'persistent-volumes')
}

export function nodeFolders({ rootDir, nodeName, client, mounter, inUse, clock, log }: NodeFoldersOptions): NodeFolders {
  const root = foldersOfNode(rootDir)
  const turns = new Turns()

  return {
    async ensure(volume, signal) {
      const { name = '' } = volume.metadata
      const path = join(root, name)
      if (nodeOfFolder(volume) !== nodeName || volume.spec.local?.path !== path) {
        throw new VolumeError(
          `volume ${JSON.stringify(name)} is ${volume.spec.local?.path} of node ${nodeOfFolder(volume)}, not of this one`,
        )
      }
      return turns.take(name, async () => {
        const isRecorded = volume.metadata.finalizers?.includes(FOLDER_FINALIZER) ?? false
        // An empty folder in place of data would be taken for a new beginning.
        if (isRecorded && !(await isThere(path)))
          throw new VolumeError(`the folder ${path} is gone, and with it the data of volume ${JSON.stringify(name)}`)
        await makeFolder(path, { mode: 0o777 })
        if (!isRecorded) await setFinalizer(name, true, signal)
        return path
      })
    },

    async run(signal) {
      while (!signal.aborted) {
        await sweep(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn('folders of volumes could not be looked through; trying again', { error })
        })
        await clock.sleep(SWEEP_MILLISECONDS, signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
        })
      }
    },
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    for (const name of await namesIn(root)) {
      // Half made: whoever makes it again begins with that.
      if (name.endsWith('~')) continue
      try {
        await turns.take(name, () => look(name, signal))
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the folder of a volume could not be removed; trying again', { volume: name, error })
      }
    }
  }

  async function look(name: string, signal: AbortSignal): Promise<void> {
    if ((await inUse()).has(name)) return
    const path = join(root, name)
    const volume = await find(name, signal)
    if (!volume) return removeIfEmpty(path)
    if (!isGivenUp(volume, nodeName, path)) return
    const mounted = await mounter.mountsUnder(path)
    if (mounted.length > 0) throw new Error(`${mounted[0]} is mounted`)
    log.info('removing the data of a volume that was deleted', { volume: name, path })
    await rm(path, { recursive: true, force: true })
    await setFinalizer(name, false, signal)
  }

  /** Undefined: not known, or not this node's business, which proves nothing about the data. */
  async function find(name: string, signal: AbortSignal): Promise<PersistentVolume | undefined> {
    try {
      return await client.get('v1', 'PersistentVolume', { name }, { signal })
    } catch (error) {
      if (hasReason(error, 'NotFound') || hasReason(error, 'Forbidden')) return undefined
      throw error
    }
  }

  async function setFinalizer(name: string, isThere: boolean, signal: AbortSignal): Promise<void> {
    const volume = await client.get('v1', 'PersistentVolume', { name }, { signal })
    const others = (volume.metadata.finalizers ?? []).filter((each) => each !== FOLDER_FINALIZER)
    const finalizers = isThere ? [...others, FOLDER_FINALIZER] : others
    await client.update('v1', 'PersistentVolume', { ...volume, metadata: { ...volume.metadata, finalizers } }, { signal })
  }
}

/** Whether the data may go: somebody deleted the volume, nothing is bound to it, its policy is Delete, and it is this very folder. Pure. */
export function isGivenUp(volume: PersistentVolume, nodeName: string, path: string): boolean {
  const { metadata, spec, status } = volume
  return (
    metadata.deletionTimestamp !== undefined &&
    (status.phase === 'Released' || status.phase === 'Failed') &&
    spec.persistentVolumeReclaimPolicy === 'Delete' &&
    nodeOfFolder(volume) === nodeName &&
    spec.local?.path === path
  )
}

async function removeIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EBUSY' && error.code !== 'ENOTDIR') throw error
  })
}
