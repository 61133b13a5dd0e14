import { mkdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../shared/logging/logger.ts'
import type { CsiDrivers } from '../csi/csi-drivers.ts'
import type { CsiNodeCalls } from '../csi/csi-messages.ts'
import { csiUses, readRecord, recordFiles, stages, writeRecord } from './csi-records.ts'
import { type CsiVolume, stageFolder } from './csi-volume.ts'
import type { Mounter } from './mounter.ts'
import type { Turns } from './turns.ts'

export interface CsiStagesOptions {
  rootDir: string
  drivers: CsiDrivers
  mounter: Mounter
  /** By `keyOf`: whoever works on a volume, in a pod or on the node, has the turn. */
  turns: Turns
  log: Logger
}

/** Volumes as the node has them, before pods get them: mounted once, however many pods use them. Callers have the volume's turn. */
export interface CsiStages {
  path(volume: Pick<CsiVolume, 'driver' | 'handle'>): string
  ensure(
    volume: CsiVolume,
    how: Omit<CsiNodeCalls['NodeStageVolume']['request'], 'volumeId' | 'stagingTargetPath'>,
    signal: AbortSignal,
  ): Promise<string>
  /** Takes it back if no pod of this node has it. @throws when the driver cannot; the sweep does it later */
  release(volume: Pick<CsiVolume, 'driver' | 'handle'>, signal: AbortSignal): Promise<void>
  /** Takes back what a crash has left staged. */
  sweep(signal: AbortSignal): Promise<void>
}

export function keyOf({ driver, handle }: Pick<CsiVolume, 'driver' | 'handle'>): string {
  return `${driver}^${handle}`
}

export function csiStages({ rootDir, drivers, mounter, turns, log }: CsiStagesOptions): CsiStages {
  const path = (volume: Pick<CsiVolume, 'driver' | 'handle'>) => join(stageFolder(rootDir, volume), 'globalmount')

  return {
    path,
    async ensure(volume, how, signal) {
      const target = path(volume)
      if ((await mounter.mountsUnder(target)).includes(target)) return target
      // First the record: from here on it has to be taken back.
      await mkdir(target, { recursive: true, mode: 0o750 })
      await writeRecord(stageFolder(rootDir, volume), { driverName: volume.driver, volumeHandle: volume.handle })
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
    const volume = { driver: record.driverName, handle: record.volumeHandle }
    await turns.take(keyOf(volume), () => release(volume, signal))
  }

  async function release(volume: Pick<CsiVolume, 'driver' | 'handle'>, signal: AbortSignal): Promise<void> {
    const folder = stageFolder(rootDir, volume)
    if (!(await readRecord(folder))) return
    const isUsed = (await csiUses(rootDir)).some(
      ({ record }) => record.driverName === volume.driver && record.volumeHandle === volume.handle,
    )
    if (isUsed) return
    const target = path(volume)
    await drivers.get(volume.driver).call('NodeUnstageVolume', { volumeId: volume.handle, stagingTargetPath: target }, { signal })
    await removeEmpty(target, folder, mounter)
  }
}

/** Removes a mount point that the driver has left, its record and their folder. What is mounted, or not empty, is somebody's data. */
export async function removeEmpty(target: string, folder: string, mounter: Mounter): Promise<void> {
  const left = await mounter.mountsUnder(target)
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
  await rmdir(target).catch(orMissing)
  for (const file of await recordFiles(folder)) await rm(file, { force: true })
  await rmdir(folder).catch(orMissing)
}

function orMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
