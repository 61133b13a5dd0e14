import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadFolder } from './load-folder.ts'

const isNamed = (value: unknown): value is { name: string } => typeof value === 'object' && value !== null && 'name' in value

test('every module of the folder is imported, in the order of paths; tests and load.ts are not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'load-folder-'))
  t.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'apps'))
  await writeFile(join(folder, 'b.ts'), `export default { name: 'b' }`)
  await writeFile(join(folder, 'apps', 'a.ts'), `export default { name: 'a' }`)
  await writeFile(join(folder, 'b.test.ts'), `throw new Error('a test was imported')`)
  await writeFile(join(folder, 'load.ts'), `throw new Error('load.ts was imported')`)
  const loaded = await loadFolder(folder, isNamed)
  assert.deepEqual(
    loaded.map(({ file, value }) => [file, value.name]),
    [
      ['apps/a.ts', 'a'],
      ['b.ts', 'b'],
    ],
  )
  await writeFile(join(folder, 'c.ts'), `export const name = 'c'`)
  await assert.rejects(loadFolder(folder, isNamed), /c\.ts has no default export/)
  await writeFile(join(folder, 'c.ts'), `export default 5`)
  await rm(join(folder, 'c.ts'))
  await writeFile(join(folder, 'd.ts'), `export default 5`)
  await assert.rejects(loadFolder(folder, isNamed), /d\.ts: its default export is not what this folder holds/)
})
