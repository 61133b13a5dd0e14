import { lstat, mkdir, rm, rmdir } from 'node:fs/promises'
import type { Logger } from '../../shared/logging/logger.ts'
import type { CsiDrivers } from '../csi/csi-drivers.ts'
import type { CsiNodeCalls } from '../csi/csi-messages.ts'
import { type StagedVolume, stageFolder, stagingPath } from './csi-paths.ts'
import { csiUses, readRecord, recordedVolume, recordFiles, stages, writeRecord } from './csi-records.ts'
import type { CsiVolume } from './csi-volume.ts'
import { orMissing } from './folders.ts'
import type { Mounter } from './mounter.ts'
import type { Turns } from './turns.ts'

export interface CsiStagesOptions {
  rootDir: string
  drivers: CsiDrivers
  mounter: Pick<Mounter, 'mountsUnder'>
  /** By `keyOf`: whoever works on a volume, in a pod or on the node, has the turn. */
  turns: Turns
  log: Logger
}

/** Volumes as the node has them, before pods get them: mounted once, however many pods use them. Callers have the volume's turn. */
export interface CsiStages {
  path(volume: StagedVolume): string
  ensure(
    volume: CsiVolume,
    how: Omit<CsiNodeCalls['NodeStageVolume']['request'], 'volumeId' | 'stagingTargetPath'>,
    signal: AbortSignal,
  ): Promise<string>
  /** Takes it back if no pod of this node has it. @throws when the driver cannot; the sweep does it later */
  release(volume: StagedVolume, signal: AbortSignal): Promise<void>
  /** Takes back what a crash has left staged. */
  sweep(signal: AbortSignal): Promise<void>
}

export function keyOf({ driver, handle }: Pick<CsiVolume, 'driver' | 'handle'>): string {
  return `${driver}^${handle}`
}

export function csiStages({ rootDir, drivers, mounter, turns, log }: CsiStagesOptions): CsiStages {
  const path = (volume: StagedVolume) => stagingPath(rootDir, volume)

  return {
    path,
    async ensure(volume, how, signal) {
      const target = path(volume)
      if ((await mounter.mountsUnder(target)).includes(target)) return target
      // First the record: from here on it has to be taken back. Of a device only its driver knows whether it is staged.
      const folder = stageFolder(rootDir, volume)
      await mkdir(folder, { recursive: true, mode: 0o750 })
      await writeRecord(folder, {
        ...{ driverName: volume.driver, volumeHandle: volume.handle, specVolID: volume.specName },
        ...(volume.isBlock ? { volumeMode: 'Block' } : {}),
      })
      await mkdir(target, { recursive: true, mode: 0o750 })
      await drivers.get(volume.driver).call('NodeStageVolume', { ...how, volumeId: volume.handle, stagingTargetPath: target }, { signal })
      return target
    },
    release,
    async sweep(signal) {
      for (const folder of await stages(rootDir)) {
        try {
          await releaseStage(folder, signal)
        } catch (error) {
          signal.throwIfAborted()
          log.warn('a volume that no pod uses could not be taken back; trying again', { folder, error })
        }
      }
    },
  }

  async function releaseStage(folder: string, signal: AbortSignal): Promise<void> {
    const record = await readRecord(folder)
    if (!record || !drivers.has(record.driverName)) return
    const volume = recordedVolume(record)
    await turns.take(keyOf(volume), () => release(volume, signal))
  }

  async function release(volume: StagedVolume, signal: AbortSignal): Promise<void> {
    const folder = stageFolder(rootDir, volume)
    if (!(await readRecord(folder))) return
    if ((await csiUses(rootDir)).some(({ record }) => keyOf(recordedVolume(record)) === keyOf(volume))) return
    const target = path(volume)
    await drivers.get(volume.driver).call('NodeUnstageVolume', { volumeId: volume.handle, stagingTargetPath: target }, { signal })
    await removeEmpty(target, folder, mounter)
  }
}

/** Removes the place that the driver has left, its record and their folder. What is mounted, or not empty, is somebody's data. */
export async function removeEmpty(target: string, folder: string, mounter: Pick<Mounter, 'mountsUnder'>): Promise<void> {
  const left = await mounter.mountsUnder(target)
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
  await rmdir(target).catch(orMissing)
  for (const file of await recordFiles(folder)) await rm(file, { force: true })
  await rmdir(folder).catch(orMissing)
}

/** Removes what a driver may have left where it put a device for a pod; files with something in them are somebody's data. */
export async function removeDevice(target: string, mounter: Pick<Mounter, 'mountsUnder'>): Promise<void> {
  const left = await mounter.mountsUnder(target)
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
  const found = await lstat(target).catch(orMissing)
  if (found?.isFile() && found.size > 0) throw new Error(`${target} is not empty`)
  if (found && !found.isDirectory()) await rm(target, { force: true })
}
