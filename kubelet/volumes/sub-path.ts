import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, realpath, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Mounter } from './mounter.ts'
import { VolumeError } from './volume.ts'

/** Folder of a pod under which the mounts of single parts of volumes lie. */
export const SUB_PATHS = 'volume-subpaths'

/** Opens a place without reading rights to it and without following a link in its last part (Linux's O_PATH, which Node does not name). */
const O_PATH = 0o10000000

export interface SubPathRequest {
  /** The pod's own folder. */
  podDirectory: string
  volumeName: string
  containerName: string
  /** Which of the container's mounts. */
  index: number
  /** Where the volume is. */
  volumePath: string
  subPath: string
  /** Missing folders are made. */
  create: boolean
}

/**
 * A part of a volume, fit to be mounted. A container that writes to the volume may put links there, or swap a folder for one at any moment;
 * therefore the place is opened part by part without following links, and what was opened, not its name, is bound to a path of ours.
 * @throws VolumeError when the path leaves the volume
 */
export async function prepareSubPath(request: SubPathRequest, mounter: Mounter, signal: AbortSignal): Promise<string> {
  const { volumePath, subPath, podDirectory, volumeName, containerName, index } = request
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} must be a relative path without '..'`)
  }
  const base = await realpath(volumePath)
  const target = join(podDirectory, SUB_PATHS, volumeName, containerName, String(index))
  if ((await mounter.mountsUnder(target)).includes(target)) return target
  // Links of our own making (`..data`) and harmless ones are allowed: they are resolved first, then walked without links.
  if (request.create) await makeInside(base, subPath)
  const real = await realpath(join(base, subPath)).catch((cause) => {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} is not in the volume`, { cause })
  })
  const inside = relative(base, real)
  if (inside === '..' || inside.startsWith('../')) throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`)
  const place = await openWithoutLinks(base, inside === '' ? [] : inside.split('/'))
  try {
    const isFolder = (await place.stat()).isDirectory()
    await mkdir(isFolder ? target : dirname(target), { recursive: true, mode: 0o750 })
    if (!isFolder) await writeFile(target, '', { flag: 'a', mode: 0o640 })
    await mounter.bind(`/proc/${process.pid}/fd/${place.fd}`, target, signal)
    return target
  } finally {
    await place.close()
  }
}

/** Walks down from a folder; each part must be what it seems to be. */
async function openWithoutLinks(base: string, parts: readonly string[]): Promise<FileHandle> {
  let place = await open(base, O_PATH | constants.O_DIRECTORY)
  for (const part of parts) {
    const parent = place
    try {
      place = await open(`/proc/self/fd/${parent.fd}/${part}`, O_PATH | constants.O_NOFOLLOW)
      const status = await place.stat()
      if (status.isSymbolicLink()) {
        await place.close()
        throw new VolumeError(`${JSON.stringify(part)} was replaced by a link while it was being mounted`)
      }
    } finally {
      await parent.close()
    }
  }
  return place
}

/** Makes missing folders, refusing to pass through a link that leads out. */
async function makeInside(base: string, subPath: string): Promise<void> {
  let at = base
  for (const part of subPath.split('/').filter((one) => one !== '' && one !== '.')) {
    const next = join(at, part)
    const real = await realpath(next).catch(() => undefined)
    if (real === undefined) await mkdir(next, { mode: 0o750 }).catch(ignoreExisting)
    at = real ?? next
    if (resolve(at) !== base && !resolve(at).startsWith(`${base}/`)) {
      throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`)
    }
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
