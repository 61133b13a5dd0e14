import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { writePayload } from './atomic-files.ts'
import { removeFolder } from './folders.ts'
import { linuxMounter } from './mounter.ts'
import { prepareSubPath } from './sub-path.ts'

const { signal } = new AbortController()
const mounter = linuxMounter()
const skip = process.getuid?.() !== 0 && 'mounting needs root'

function bench(context: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'sub-path-'))
  const volumePath = join(root, 'volume')
  mkdirSync(volumePath)
  mkdirSync(join(root, 'outside'))
  writeFileSync(join(root, 'outside', 'secret'), 'x')
  context.after(() => removeFolder(root, mounter, signal).finally(() => rmSync(root, { recursive: true, force: true })))
  let index = 0
  const prepare = (subPath: string, create = true) =>
    prepareSubPath(
      { podDirectory: join(root, 'pod'), volumeName: 'v', containerName: 'c', index: index++, volumePath, subPath, create },
      mounter,
      signal,
    )
  return { root, volumePath, prepare }
}

test('a folder is made and bound; writing to the one is writing to the other', { skip }, async (context) => {
  const { volumePath, prepare } = bench(context)
  const target = await prepare('a/b')
  writeFileSync(join(target, 'file'), 'hello')
  assert.equal(readFileSync(join(volumePath, 'a/b/file'), 'utf8'), 'hello')
})

test('a single file of a ConfigMap is bound through our own links', { skip }, async (context) => {
  const { volumePath, prepare } = bench(context)
  await writePayload(volumePath, new Map([['conf', { content: Buffer.from('v=1'), mode: 0o644 }]]), async () => {})
  const target = await prepare('conf', false)
  assert.ok(statSync(target).isFile())
  assert.equal(readFileSync(target, 'utf8'), 'v=1')
})

test('nothing outside of the volume can be reached', { skip }, async (context) => {
  const { root, volumePath, prepare } = bench(context)
  symlinkSync(join(root, 'outside'), join(volumePath, 'link'))
  symlinkSync('/', join(volumePath, 'root'))
  for (const bad of ['../outside', '/etc', 'a/../../outside', 'link', 'link/secret', 'link/new', 'root/tmp']) {
    await assert.rejects(prepare(bad), { name: 'VolumeError' }, bad)
  }
  assert.deepEqual(await mounter.mountsUnder(join(root, 'pod')), [])
})

test('a part that is missing and may not be made is said', { skip }, async (context) => {
  const { prepare } = bench(context)
  await assert.rejects(prepare('nowhere', false), /not in the volume/)
})
