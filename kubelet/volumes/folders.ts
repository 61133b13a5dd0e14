import { chmod, mkdir, rm } from 'node:fs/promises'
import type { Mounter } from './mounter.ts'

/** Makes a volume's folder with exactly that mode, whatever the umask says. */
export async function makeFolder(directory: string, mode: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o750 })
  await chmod(directory, mode)
}

/** Makes a volume's folder a file system in memory, once. */
export async function makeMemoryFolder(
  directory: string,
  mounter: Mounter,
  options: { mode: number; sizeBytes?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o750 })
  if (!(await mounter.mountsUnder(directory)).includes(directory)) await mounter.memory(directory, options.sizeBytes, signal)
  await chmod(directory, options.mode)
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
