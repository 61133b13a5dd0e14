import type { Stats } from 'node:fs'
import { mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Mounter } from './mounter.ts'
import { inheritedRights } from './ownership.ts'
import { type FolderRights, giveRights, makeIn, openFolder, openIn, type Place, using } from './place.ts'
import { VolumeError } from './volume.ts'

/** Folder of a pod under which the mounts of single parts of volumes lie. */
export const SUB_PATHS = 'volume-subpaths'

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
  /** Missing folders are made in the volume, with its mode and group; false: the container gets an empty folder in place of what is missing. */
  create: boolean
}

/**
 * A part of a volume, fit to be mounted. A container that writes to the volume may put links there, or swap a folder for one at any moment;
 * therefore the place is opened part by part without following links, and what was opened, not its name, is bound to a path of ours.
 * Binds anew when the name stands for another file than last time: ConfigMaps and Secrets replace all their files when they change.
 * @throws VolumeError when the path leaves the volume
 */
export async function prepareSubPath(request: SubPathRequest, mounter: Mounter, signal: AbortSignal): Promise<string> {
  const { subPath, podDirectory, volumeName, containerName, index } = request
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} must be a relative path without '..'`)
  }
  const target = join(podDirectory, SUB_PATHS, volumeName, containerName, String(index))
  const opened = await openPart(request)
  if (!opened) return emptyPart(request, target, mounter, signal)
  return using(Promise.resolve(opened), async (part) => {
    const wanted = await part.stat()
    if (await isBound(target, wanted, mounter, signal)) return target
    await makeTarget(target, wanted)
    await mounter.bind(`/proc/${process.pid}/fd/${part.fd}`, target, signal)
    return target
  })
}

/**
 * What a volume of the API's objects lacks: a folder, as upstream gives. It lies beside the volume and not in it, where it would be in the
 * way of the file when that comes; the next start of the container finds the file then.
 */
async function emptyPart({ volumePath }: SubPathRequest, target: string, mounter: Mounter, signal: AbortSignal): Promise<string> {
  for (const point of (await mounter.mountsUnder(target)).filter((each) => each === target)) await mounter.unmount(point, signal)
  await rm(target, { recursive: true, force: true })
  await mkdir(dirname(target), { recursive: true, mode: 0o750 })
  await mkdir(target)
  const rights = await using(openFolder(await realpath(volumePath)), async (folder) => inheritedRights(await folder.stat()))
  await using(openFolder(target), (folder) => giveRights(folder, rights))
  return target
}

/** True when the target shows that very file. Whatever else is mounted there is taken off; containers have mounts of their own. */
async function isBound(target: string, wanted: Stats, mounter: Mounter, signal: AbortSignal): Promise<boolean> {
  const mounts = (await mounter.mountsUnder(target)).filter((point) => point === target)
  if (mounts.length === 0) return false
  // What cannot be looked at (a stale handle) is not that file either.
  const present = await stat(target).catch(() => undefined)
  if (present && present.dev === wanted.dev && present.ino === wanted.ino) return true
  for (const point of mounts) await mounter.unmount(point, signal)
  return false
}

/** Something of the same sort to mount over. */
async function makeTarget(target: string, wanted: Stats): Promise<void> {
  await rm(target, { recursive: true, force: true })
  await mkdir(wanted.isDirectory() ? target : dirname(target), { recursive: true, mode: 0o750 })
  if (!wanted.isDirectory()) await writeFile(target, '', { mode: 0o640 })
}

/**
 * Opens the part. Links of our own making (`..data`) and harmless ones are allowed: what is there is resolved first, then walked without
 * links; what is missing is made, step by step, in what was opened. Undefined when it is missing and may not be made.
 */
async function openPart({ volumePath, subPath, create }: SubPathRequest): Promise<Place | undefined> {
  const base = await realpath(volumePath)
  const parts = subPath.split('/').filter((part) => part !== '' && part !== '.')
  const { real, missing } = await longestPresent(base, parts)
  const inside = relative(base, real)
  if (inside === '..' || inside.startsWith('../')) throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`)
  if (missing.length > 0 && !create) return undefined
  const present = inside === '' ? [] : inside.split('/')
  let place = await openFolder(base)
  const rights = inheritedRights(await place.stat())
  for (const [index, part] of [...present, ...missing].entries()) {
    const parent = place
    place = await using(Promise.resolve(parent), () => step(parent, part, index < present.length ? undefined : rights))
  }
  return place
}

async function step(parent: Place, part: string, rights: FolderRights | undefined): Promise<Place> {
  try {
    if (rights) return await makeIn(parent, part, rights)
    const place = await openIn(parent, part)
    if (!(await place.stat()).isSymbolicLink()) return place
    await place.close()
  } catch (cause) {
    throw new VolumeError(`${JSON.stringify(part)} cannot be ${rights ? 'made' : 'opened'} in the volume`, { cause })
  }
  throw new VolumeError(`${JSON.stringify(part)} was replaced by a link while it was being mounted`)
}

/** How far the path leads today, links resolved, and what is left of it. */
async function longestPresent(base: string, parts: readonly string[]): Promise<{ real: string; missing: readonly string[] }> {
  for (let count = parts.length; count > 0; count--) {
    try {
      return { real: await realpath(join(base, ...parts.slice(0, count))), missing: parts.slice(count) }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
        throw new VolumeError(`subPath ${JSON.stringify(parts.join('/'))} cannot be resolved in the volume`, { cause: error })
      }
    }
  }
  return { real: base, missing: parts }
}
