import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { damaged } from '../damage.ts'
import { seal, unseal } from '../leveldb-format.ts'
import { type LiveTables, liveTables } from './manifest-file.ts'
import { checkTable } from './table-file.ts'

/** Written at the end, gone while the store is open. */
const INVENTORY = 'FILES'
/** LevelDB's own files that hold data. */
const DATA = /^(\d+\.(ldb|sst|log)|MANIFEST-\d+|CURRENT)$/

/**
 * Looks at the files before LevelDB does: it takes a folder without CURRENT for a new database, throws away what its manifest does not
 * name, and does not check what it reads. Each table must be there, and each block of it be what was written; after a regular end each file must
 * be as long as it was. Logs are LevelDB's to check; what it drops of them, the revisions tell.
 * @throws StorageRefused
 */
export async function checkFiles(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const isOurs = names.some((name) => DATA.test(name) || name === 'WITNESS')
  if (!isOurs) return
  if (names.includes(INVENTORY)) await checkInventory(directory)
  for (const [number, size] of await tablesOf(directory)) await checkOneTable(directory, names, number, size)
}

async function tablesOf(directory: string): Promise<LiveTables> {
  const current = await readFile(join(directory, 'CURRENT'), 'latin1').catch((error: unknown) => {
    throw damaged(directory, 'its file CURRENT cannot be read', error)
  })
  const manifest = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  if (manifest === undefined) throw damaged(directory, 'its file CURRENT names no manifest')
  try {
    return liveTables(await readFile(join(directory, manifest)))
  } catch (error) {
    throw damaged(directory, `its file ${manifest} cannot be read (${error instanceof Error ? error.message : error})`, error)
  }
}

async function checkOneTable(directory: string, names: readonly string[], number: number, size: number): Promise<void> {
  const digits = String(number).padStart(6, '0')
  const name = [`${digits}.ldb`, `${digits}.sst`].find((each) => names.includes(each))
  if (name === undefined) throw damaged(directory, `its file ${digits}.ldb is missing`)
  const bytes = await readFile(join(directory, name))
  if (bytes.length !== size) throw damaged(directory, `its file ${name} has ${bytes.length} bytes and should have ${size}`)
  try {
    checkTable(bytes)
  } catch (error) {
    throw damaged(directory, `in its file ${name}, ${error instanceof Error ? error.message : error}`, error)
  }
}

async function checkInventory(directory: string): Promise<void> {
  for (const [name, size] of await readInventory(directory)) {
    const found = await stat(join(directory, name)).then(
      (facts) => facts.size,
      () => undefined,
    )
    if (found === undefined) throw damaged(directory, `its file ${name} is missing`)
    if (found !== size) throw damaged(directory, `its file ${name} has ${found} bytes and should have ${size}`)
  }
}

/** From now on the files change: what was noted about them holds no more. */
export async function forgetInventory(directory: string): Promise<void> {
  await rm(join(directory, INVENTORY), { force: true })
}

/** Notes, after LevelDB has closed its files, which they are. */
export async function noteInventory(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => DATA.test(name)).sort()
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(directory, name))).size]))
  await writeFile(join(directory, INVENTORY), seal(INVENTORY, JSON.stringify(sizes)), { flush: true })
}

async function readInventory(directory: string): Promise<[string, number][]> {
  try {
    const list: unknown = JSON.parse(unseal(INVENTORY, await readFile(join(directory, INVENTORY), 'utf8')))
    return (Array.isArray(list) ? list : []).map(([name, size]) => [String(name), Number(size)])
  } catch {
    // The list itself is damaged or torn: then the checks inside the store have to do.
    return []
  }
}
