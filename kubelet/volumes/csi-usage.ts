import type { CsiDriver } from '../csi/csi-drivers.ts'
import type { VolumeUsage as Counted } from '../csi/csi-messages.ts'
import type { VolumeUsage } from './volume-usage.ts'

/** How long a driver may take to count, in milliseconds: somebody waits for all of them. */
const PATIENCE = 5_000

export interface DriverVolume {
  handle: string
  path: string
  /** Empty where it is never staged. */
  stagingPath: string
}

/** What a driver says that a volume holds; undefined when it does not count. @throws GrpcError */
export async function driverUsage(driver: CsiDriver, volume: DriverVolume, signal: AbortSignal): Promise<VolumeUsage | undefined> {
  const capabilities = await driver.capabilities(signal)
  if (!capabilities.has('GET_VOLUME_STATS')) return undefined
  const stagingTargetPath = capabilities.has('STAGE_UNSTAGE_VOLUME') ? volume.stagingPath : ''
  const request = { volumeId: volume.handle, volumePath: volume.path, stagingTargetPath }
  return inOneUnit((await driver.call('NodeGetVolumeStats', request, { signal, patience: PATIENCE })).usage)
}

/** Pure. A driver says bytes, files or both. */
function inOneUnit(said: readonly Counted[]): VolumeUsage {
  const of = (unit: Counted['unit']) => said.find((one) => one.unit === unit)
  const [bytes, files] = [of('BYTES'), of('INODES')]
  return {
    ...(bytes ? { capacityBytes: Number(bytes.total), availableBytes: Number(bytes.available), usedBytes: Number(bytes.used) } : {}),
    ...(files ? { inodes: Number(files.total), inodesFree: Number(files.available), inodesUsed: Number(files.used) } : {}),
  }
}
