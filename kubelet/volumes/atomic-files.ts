import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A file of a volume whose content comes from the API. */
export interface PayloadFile {
  content: Uint8Array
  mode: number
  /** Owner, where it is not root. */
  uid?: number | undefined
}

/** Files by their path inside the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>

/** Points to the folder with the present content. */
const DATA = '..data'
const NEW_DATA = '..data_tmp'

/**
 * Makes the folder show exactly the payload, all of it at the same instant: files lie in a folder of their own, `..data` points to it, and
 * the names that people see are links through `..data`. Replacing that one link replaces everything. Does nothing when nothing changed.
 * @param own called with the new folder before it can be seen, to set owners
 * @returns whether anything was written
 */
export async function writePayload(directory: string, payload: Payload, own: (folder: string) => Promise<void>): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path)
  const previous = await readlink(join(directory, DATA)).catch(() => undefined)
  if (previous !== undefined && (await isSame(join(directory, previous), payload))) {
    // Killed between the swap and the links, a former run may have left some out.
    await linkVisible(directory, payload)
    return false
  }
  const folder = await mkdtemp(`${directory}/..`)
  await chmod(folder, 0o755)
  for (const [path, { content, mode, uid }] of payload) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, content)
    // The process's umask must not have a say.
    await chmod(file, mode)
    if (uid !== undefined) await chown(file, uid, -1)
  }
  await own(folder)
  await rm(join(directory, NEW_DATA), { force: true })
  await symlink(folder.slice(directory.length + 1), join(directory, NEW_DATA))
  await rename(join(directory, NEW_DATA), join(directory, DATA))
  await linkVisible(directory, payload)
  await removeStale(directory, payload, folder.slice(directory.length + 1))
  return true
}

function checkPath(path: string): void {
  const parts = path.split('/')
  const isBad = path === '' || parts.some((part) => part === '' || part === '.' || part === '..') || (parts[0] ?? '').startsWith('..')
  if (isBad || path.includes('\0')) throw new Error(`invalid path: ${JSON.stringify(path)}`)
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const present = await filesBelow(folder).catch(() => undefined)
  if (present?.length !== payload.size) return false
  for (const path of present) {
    const wanted = payload.get(path)
    if (!wanted) return false
    const [content, status] = await Promise.all([readFile(join(folder, path)), lstat(join(folder, path))])
    // Group bits are widened for an fsGroup: only bits that are missing tell of a change.
    if ((status.mode & wanted.mode) !== wanted.mode || !content.equals(wanted.content)) return false
  }
  return true
}

async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true })
  const nested = entries.map(async (entry) => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    return entry.isDirectory() ? filesBelow(folder, path) : [path]
  })
  return (await Promise.all(nested)).flat()
}

const firstParts = (payload: Payload) => new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path))

async function linkVisible(directory: string, payload: Payload): Promise<void> {
  for (const name of firstParts(payload)) {
    await symlink(join(DATA, name), join(directory, name)).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function removeStale(directory: string, payload: Payload, current: string): Promise<void> {
  const wanted = firstParts(payload)
  for (const name of await readdir(directory)) {
    if (name === DATA || name === current || wanted.has(name)) continue
    await rm(join(directory, name), { recursive: true, force: true })
  }
}
