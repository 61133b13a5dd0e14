import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import type { Mounter } from './mounter.ts'
import { type FolderRights, giveRights, openFolder, using } from './place.ts'

/**
 * Makes a volume's folder, once: what containers have made of its mode since is theirs. It takes its name when it is finished, so one that is
 * there is right, also after the process died half-way.
 */
export async function makeFolder(directory: string, rights: FolderRights): Promise<void> {
  if (await isThere(directory)) return
  // No volume has such a name.
  const unfinished = `${directory}~`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o750 })
  await using(openFolder(unfinished), (folder) => giveRights(folder, rights))
  await rename(unfinished, directory)
}

/** Makes a volume's folder a file system in memory, once. */
export async function makeMemoryFolder(
  directory: string,
  mounter: Mounter,
  options: FolderRights & { sizeBytes?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o750 })
  if (!(await mounter.mountsUnder(directory)).includes(directory)) await mounter.memory(directory, options, signal)
}

/**
 * Unmounts whatever is mounted at or below the folder, then deletes it. What cannot be unmounted is never deleted through:
 * it may be somebody's data.
 */
export async function removeFolder(directory: string, mounter: Mounter, signal: AbortSignal): Promise<void> {
  for (const point of await mounter.mountsUnder(directory)) await mounter.unmount(point, signal)
  const left = await mounter.mountsUnder(directory)
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
  await rm(directory, { recursive: true, force: true })
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

/** Names of what is in a folder; of one that is not there, or is none, nothing. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}

/** For `catch` of what looks at a path: undefined where nothing is there. */
export function orMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
