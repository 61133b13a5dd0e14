import { statfs } from 'node:fs/promises'
import { Level } from 'level'
import { StorageRefused } from './storage.ts'

/** Keys are text; values are bytes, or text where an operation says so. */
export type Database = Level<string, Buffer>

export type Operation =
  | { type: 'put'; key: string; value: Buffer }
  | { type: 'put'; key: string; value: string; valueEncoding: 'utf8' }
  | { type: 'del'; key: string }

/** Writes one batch; tests put faults here. */
export type WriteBatch = (database: Database, operations: Operation[], sync: boolean) => Promise<void>

export const writeBatch: WriteBatch = (database, operations, sync) => database.batch<string, Buffer | string>(operations, { sync })

/** Replayed (at most) when the store is opened again, and held in memory (at most twice). */
const WRITE_BUFFER = 8 * 2 ** 20

/** What opening needs on the disk: a table of one write buffer, a manifest, and some air. */
const ROOM_TO_OPEN = WRITE_BUFFER + 2 ** 20

/**
 * Opens the files, making them when there are none.
 * @throws StorageRefused when another process has them open; the message names the cure. What else goes wrong is LevelDB's own error.
 */
export async function openDatabase(directory: string): Promise<Database> {
  const database: Database = new Level(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    writeBufferSize: WRITE_BUFFER,
    cacheSize: 4 * 2 ** 20,
  })
  try {
    await database.open()
    return database
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const code = reason instanceof Error && 'code' in reason ? reason.code : undefined
    if (code === 'LEVEL_LOCKED') {
      throw new StorageRefused(
        `the store in ${directory} is open in another process; stop that API server, or give this one a data directory of its own`,
        { cause: error },
      )
    }
    throw reason
  }
}

/** @throws Error when the disk has no room for opening the files: finding out by opening would cost the reads that still work. */
export async function checkRoom(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < ROOM_TO_OPEN) {
    throw new Error(`the disk of ${directory} is full: ${bavail * bsize} bytes are free, ${ROOM_TO_OPEN} are needed`)
  }
}

/** Whether LevelDB says that its files are not what it wrote; a file that its manifest names and that is not there is one of these. */
export function isCorruption(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'LEVEL_CORRUPTION' || code === 'LEVEL_NOT_FOUND' || code === 'LEVEL_IO_ERROR'
}
