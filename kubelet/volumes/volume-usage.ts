import { statfs } from 'node:fs/promises'
import { diskUsage } from './disk-usage.ts'

/** What a volume holds, and what is still free; what is not counted is left out. Of a volume that shares its disk, capacity and room are the disk's. */
export interface VolumeUsage {
  capacityBytes?: number | undefined
  availableBytes?: number | undefined
  usedBytes?: number | undefined
  inodes?: number | undefined
  inodesFree?: number | undefined
  inodesUsed?: number | undefined
}

/** Of the file system that a path is on. Waits for ever where that is a server's that is away: such are asked for their condition first. */
export async function fileSystemUsage(path: string): Promise<VolumeUsage> {
  const { blocks, bfree, bavail, bsize, files, ffree } = await statfs(path)
  return {
    ...{ capacityBytes: blocks * bsize, availableBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize },
    // Some file systems have no such number.
    ...(files > 0 ? { inodes: files, inodesFree: ffree, inodesUsed: files - ffree } : {}),
  }
}

/** Of a folder that shares its disk with others: its files are counted one by one. */
export async function folderUsage(path: string): Promise<VolumeUsage> {
  const [disk, usedBytes] = await Promise.all([fileSystemUsage(path), diskUsage(path)])
  return { ...disk, usedBytes, inodesUsed: undefined }
}
