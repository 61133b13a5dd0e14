import { StorageRefused } from './storage.ts'

/** Refuses a store that is not what was written, in words that say what to do. */
export function damaged(directory: string, what: string, cause?: unknown): StorageRefused {
  return new StorageRefused(
    `the store in ${directory} is damaged: ${what}; restore the directory from a backup, or start with --open-damaged-store to read what is sound`,
    { cause },
  )
}
