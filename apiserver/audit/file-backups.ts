import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** How long files that were put aside are kept. */
export interface Keeping {
  /** Milliseconds since they were put aside; 0: for ever. */
  readonly maxAge: number
  /** 0: all. */
  readonly maxBackups: number
  readonly compress: boolean
}

const DAY_OF_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2})-(\d{2})-(\d{2}\.\d{3})$/
const COMPRESSED = '.gz'
const UNFINISHED = '.tmp'

/** Where `audit.log` is put aside: `audit-2026-11-29T12-49-08.123.log` beside it (UTC), a free name. @throws Error of the file system */
export async function backupPath(path: string, now: number): Promise<string> {
  const { stem, ending } = partsOf(path)
  const folder = dirname(path)
  const taken = new Set(await readdir(folder))
  for (let time = now; ; time++) {
    const name = `${stem}${new Date(time).toISOString().slice(0, 23).replaceAll(':', '-')}${ending}`
    if (!taken.has(name) && !taken.has(name + COMPRESSED)) return join(folder, name)
  }
}

/** Removes what is too old or too much and compresses the rest, if wanted. A crash leaves at most an unfinished file, which the next call replaces. */
export async function tidyBackups(path: string, { maxAge, maxBackups, compress }: Keeping, now: number): Promise<void> {
  if (maxAge === 0 && maxBackups === 0 && !compress) return
  const folder = dirname(path)
  const backups = (await readdir(folder)).flatMap((name) => backupOf(path, name) ?? []).sort((a, b) => b.time - a.time)
  const kept = backups.filter(({ time }, index) => (maxAge === 0 || now - time <= maxAge) && (maxBackups === 0 || index < maxBackups))
  for (const { name } of backups) if (!kept.some((each) => each.name === name)) await rm(join(folder, name), { force: true })
  if (!compress) return
  for (const { name } of kept) if (!name.endsWith(COMPRESSED)) await compressFile(join(folder, name))
}

async function compressFile(path: string): Promise<void> {
  const unfinished = path + COMPRESSED + UNFINISHED
  await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { mode: 0o600 }))
  await rename(unfinished, path + COMPRESSED)
  await rm(path)
}

/** When a file of the folder was put aside; undefined for other files. */
function backupOf(path: string, name: string): { readonly name: string; readonly time: number } | undefined {
  const { stem, ending } = partsOf(path)
  const plain = name.endsWith(COMPRESSED) ? name.slice(0, -COMPRESSED.length) : name
  if (!plain.startsWith(stem) || !plain.endsWith(ending)) return undefined
  const [, day, minutes, seconds] = DAY_OF_TIME.exec(plain.slice(stem.length, plain.length - ending.length)) ?? []
  const time = Date.parse(`${day}:${minutes}:${seconds}Z`)
  return Number.isNaN(time) ? undefined : { name, time }
}

function partsOf(path: string): { readonly stem: string; readonly ending: string } {
  const ending = extname(path)
  return { stem: `${basename(path, ending)}-`, ending }
}
