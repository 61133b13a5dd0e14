import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { volumeDirectory } from '../pods/pod-directory.ts'
import type { CsiVolume } from './csi-volume.ts'

/** The folders of CSI volumes, in a pod and on the node. */
export const CSI_PLUGIN = 'kubernetes.io/csi'

/** What tells where a volume is on the node. */
export type StagedVolume = Pick<CsiVolume, 'driver' | 'handle' | 'specName' | 'isBlock'>

/** Where volumes are staged on this node: one folder a driver, below it one a volume. */
export function stagesFolder(rootDir: string): string {
  return join(rootDir, 'plugins', CSI_PLUGIN)
}

/** The folder of a staged volume, with its record. Upstream's path. */
export function stageFolder(rootDir: string, { driver, handle }: Pick<CsiVolume, 'driver' | 'handle'>): string {
  return join(stagesFolder(rootDir), driver, createHash('sha256').update(handle).digest('hex'))
}

/** What a driver is told to stage a volume at, and does with as it likes. Upstream's paths. */
export function stagingPath(rootDir: string, volume: StagedVolume): string {
  return volume.isBlock ? join(devicesFolder(rootDir), 'staging', volume.specName) : join(stageFolder(rootDir, volume), 'globalmount')
}

/** The folder of a volume in a pod's, with its record. */
export function csiFolder(rootDir: string, podUid: string, specName: string): string {
  return volumeDirectory(rootDir, podUid, CSI_PLUGIN, specName)
}

/** Where a driver gives the volume to a pod: a folder that it mounts, or a device that it puts there. Upstream's paths. */
export function publishPath(rootDir: string, podUid: string, { specName, isBlock }: Pick<CsiVolume, 'specName' | 'isBlock'>): string {
  return isBlock ? join(devicesFolder(rootDir), 'publish', specName, podUid) : join(csiFolder(rootDir, podUid, specName), 'mount')
}

/** Beside the folders of drivers: none is called so, their names are of small letters. */
export const DEVICES = 'volumeDevices'

function devicesFolder(rootDir: string): string {
  return join(stagesFolder(rootDir), DEVICES)
}
