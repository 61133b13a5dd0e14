import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** How a secret file is written. */
export interface AtomicWrite {
  /** Default 0o600: for the owner only. */
  mode?: number | undefined
  /** Waits until the disk has it; for files that cannot be made again. */
  durable?: boolean | undefined
}

/**
 * Writes a small file so that readers see the old or the new content, never a half: into a neighbour, then renamed.
 * Makes missing folders, for the owner only. @throws the system's error (disk full, no permission), leaving no remains
 */
export function writeFileAtomically(path: string, content: string, options: AtomicWrite = {}): void {
  writeAside(path, content, options, (temporary) => renameSync(temporary, path))
}

/**
 * Writes a file that is not there yet, for several processes that may try at once: one is first, and every caller is answered the text of that one.
 * @throws the system's error, as above
 */
export function createFileOnce(path: string, content: string, options: AtomicWrite = {}): string {
  let isFirst = true
  writeAside(path, content, options, (temporary) => {
    isFirst = isLinked(temporary, path)
    rmSync(temporary)
  })
  return isFirst ? content : readFileSync(path, 'utf8')
}

function writeAside(
  path: string,
  content: string,
  { mode = 0o600, durable = false }: AtomicWrite,
  place: (temporary: string) => void,
): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      fchmodSync(file, mode)
      writeSync(file, content)
      if (durable) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    place(temporary)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  if (durable) syncDirectory(dirname(path))
}

/** False when there is such a file already. A link, unlike a rename, replaces nothing (POSIX link(2); over NFS too). */
function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** As `writeFileAtomically`, but leaves a file alone that has the content and mode already. Answers whether it wrote. */
export function writeFileIfDifferent(path: string, content: string, options: AtomicWrite = {}): boolean {
  if (readFileIfPresent(path) === content) {
    chmodSync(path, options.mode ?? 0o600)
    return false
  }
  writeFileAtomically(path, content, options)
  return true
}

/** The text of a file, or undefined where there is none. @throws the system's error for all else */
export function readFileIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** A rename is on the disk only when its folder is. */
function syncDirectory(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
