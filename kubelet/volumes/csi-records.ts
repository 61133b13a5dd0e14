import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { podDirectory } from '../pods/pod-directory.ts'
import { CSI_PLUGIN, csiFolder, DEVICES, type StagedVolume, stagesFolder } from './csi-paths.ts'
import { namesIn } from './folders.ts'

/** What is to be known of a volume when neither pod nor PersistentVolume is there any more; upstream's file, some of its fields. */
export interface CsiRecord {
  driverName: string
  volumeHandle: string
  /** What names the volume in pods. */
  specVolID?: string | undefined
  /** `Block`: a device. Absent: files. */
  volumeMode?: string | undefined
  /** In pods: whose. */
  podUID?: string | undefined
  nodeName?: string | undefined
  /** In pods; only persistent ones are staged. */
  volumeLifecycleMode?: string | undefined
}

const RECORD = 'vol_data.json'

/** Takes the place of an older one at once: what a crash leaves is one or the other. */
export async function writeRecord(folder: string, record: CsiRecord): Promise<void> {
  const unfinished = join(folder, `${RECORD}~`)
  await writeFile(unfinished, JSON.stringify(record), { mode: 0o600 })
  await rename(unfinished, join(folder, RECORD))
}

/** Undefined: there is none, so nothing was asked of a driver. @throws when it cannot be understood */
export async function readRecord(folder: string): Promise<CsiRecord | undefined> {
  const file = join(folder, RECORD)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const parsed: Partial<Record<keyof CsiRecord, unknown>> = JSON.parse(text) ?? {}
  const { driverName, volumeHandle, specVolID, volumeLifecycleMode, volumeMode, podUID } = parsed
  if (typeof driverName !== 'string' || typeof volumeHandle !== 'string') throw new Error(`${file} names no volume of a CSI driver`)
  const ifText = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    ...{ driverName, volumeHandle, specVolID: ifText(specVolID), volumeLifecycleMode: ifText(volumeLifecycleMode) },
    ...{ volumeMode: ifText(volumeMode), podUID: ifText(podUID) },
  }
}

/** The files of the folder that are the record's, for removal. */
export async function recordFiles(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => []))
    .filter((name) => name === RECORD || name === `${RECORD}~`)
    .map((name) => join(folder, name))
}

/** A volume that a pod of this node has, or has begun to have. */
export interface CsiUse {
  podUid: string
  record: CsiRecord
}

/** The volume that a record is of. */
export function recordedVolume({ driverName, volumeHandle, specVolID = '', volumeMode }: CsiRecord): StagedVolume {
  return { driver: driverName, handle: volumeHandle, specName: specVolID, isBlock: volumeMode === 'Block' }
}

/** Every CSI volume in a pod's folder. */
export async function csiUses(rootDir: string): Promise<CsiUse[]> {
  const uses: CsiUse[] = []
  for (const podUid of await namesIn(join(rootDir, 'pods'))) {
    const folder = join(podDirectory(rootDir, podUid), 'volumes', CSI_PLUGIN.replaceAll('/', '~'))
    for (const name of await namesIn(folder)) {
      const record = await readRecord(csiFolder(rootDir, podUid, name))
      if (record) uses.push({ podUid, record })
    }
  }
  return uses
}

/** Folders of staged volumes, whatever is in them. */
export async function stages(rootDir: string): Promise<string[]> {
  const root = stagesFolder(rootDir)
  const folders: string[] = []
  for (const driver of await namesIn(root)) {
    if (driver === DEVICES) continue
    for (const name of await namesIn(join(root, driver))) folders.push(join(root, driver, name))
  }
  return folders
}
