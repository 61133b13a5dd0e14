import { readdir } from 'node:fs/promises'
import { openFolder, openIn, type Place, pathOf, using } from './place.ts'

const BLOCK = 512

/** Bytes that a tree takes on its disk, folders included; links are not followed, other file systems mounted inside are not counted. */
export async function diskUsage(path: string): Promise<number> {
  return using(openFolder(path), async (top) => usageOf(top, (await top.stat()).dev, new Set()))
}

async function usageOf(place: Place, device: number, linked: Set<number>): Promise<number> {
  const status = await place.stat()
  if (status.dev !== device) return 0
  if (!status.isDirectory()) {
    // A file of several names takes its room once.
    if (status.nlink > 1 && linked.has(status.ino)) return 0
    linked.add(status.ino)
    return status.blocks * BLOCK
  }
  let sum = status.blocks * BLOCK
  for (const name of await readdir(pathOf(place)))
    sum += await using(openIn(place, name), (child) => usageOf(child, device, linked)).catch(goneIsNothing)
  return sum
}

/** Files come and go while they are counted. */
function goneIsNothing(error: NodeJS.ErrnoException): number {
  if (error.code === 'ENOENT') return 0
  throw error
}
