import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** One module's default export and the file it came from (relative to the folder, with `/`). */
export interface Loaded<T> {
  readonly file: string
  readonly value: T
}

/**
 * Imports every module of a folder and its sub-folders, so that "a new file is a new kind" (or controller) with no list to edit.
 * Skipped: tests, declaration files and `load.ts` itself. In an image the modules are JavaScript. Sorted by path, so that the result does not depend on the file system.
 * @throws Error naming the file whose default export is missing or is not accepted
 */
export async function loadFolder<T>(folder: string, accepts: (exported: unknown) => exported is T): Promise<Loaded<T>[]> {
  const entries = await readdir(folder, { recursive: true })
  const files = entries.map((entry) => entry.replaceAll('\\', '/')).filter(isModule)
  files.sort()
  return Promise.all(
    files.map(async (file) => {
      const module: { default?: unknown } = await import(pathToFileURL(join(folder, file)).href)
      const value = module.default
      if (value === undefined) throw new Error(`${join(folder, file)} has no default export`)
      if (!accepts(value)) throw new Error(`${join(folder, file)}: its default export is not what this folder holds`)
      return { file, value }
    }),
  )
}

function isModule(file: string): boolean {
  const name = file.slice(file.lastIndexOf('/') + 1)
  return /\.[jt]s$/.test(name) && !/\.(test|d)\.ts$/.test(name) && !/^load\.[jt]s$/.test(name)
}
