import { constants } from 'node:fs'
import { chmod, chown, type FileHandle, mkdir, open } from 'node:fs/promises'

/**
 * Files held open, so that what was looked at and what is acted upon are the same. A name can be swapped for a link between two calls by
 * whoever may write to its folder (a container to its volume); an open place cannot. Node has no `openat`: a name below `/proc/self/fd/<n>`
 * begins at the open folder itself, which is the same.
 */
export type Place = FileHandle

/** Opens without rights to the content and without effects (on pipes, devices); Linux's O_PATH, which Node does not name. */
const O_PATH = 0o10000000

/** The place as a path, good in this process while it is open. */
export function pathOf(place: Place): string {
  return `/proc/self/fd/${place.fd}`
}

/** Opens a folder of our own; a link in place of it is refused. */
export function openFolder(path: string): Promise<Place> {
  return open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
}

/** Opens whatever has that name in a folder: also a link itself, which is never followed. */
export function openIn(folder: Place, name: string): Promise<Place> {
  return open(inside(folder, name), O_PATH | constants.O_NOFOLLOW)
}

/** Owner and mode of a new folder. */
export interface FolderRights {
  /** All twelve bits; the process's umask has no say. */
  mode: number
  /** Undefined: whatever it comes with. */
  group?: number | undefined
}

/** Makes a folder in a folder and opens it. One that somebody else made meanwhile is opened as it is. @throws when it is a link */
export async function makeIn(folder: Place, name: string, rights: FolderRights): Promise<Place> {
  let isOurs = true
  await mkdir(inside(folder, name), { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    isOurs = false
  })
  const made = await open(inside(folder, name), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    if (isOurs) await giveRights(made, rights)
    return made
  } catch (error) {
    await made.close()
    throw error
  }
}

/** Owner first: a change of owner takes mode bits away. */
export async function giveRights(place: Place, { mode, group }: FolderRights): Promise<void> {
  if (group !== undefined) await chown(pathOf(place), 0, group)
  await chmod(pathOf(place), mode)
}

/** Calls with the place and closes it, whatever happens. */
export async function using<T>(opening: Promise<Place>, act: (place: Place) => Promise<T>): Promise<T> {
  const place = await opening
  try {
    return await act(place)
  } finally {
    await place.close()
  }
}

function inside(folder: Place, name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw new Error(`${JSON.stringify(name)} is not the name of a file`)
  return `${pathOf(folder)}/${name}`
}
