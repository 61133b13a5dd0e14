import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { realClock } from '../../shared/time/clock.ts'
import { writePayload } from './atomic-files.ts'
import { removeFolder } from './folders.ts'
import { linuxMounter, type Mounter } from './mounter.ts'
import { giveToGroup } from './ownership.ts'
import { prepareSubPath } from './sub-path.ts'

const { signal } = new AbortController()
const mounter = linuxMounter(realClock())
const skip = process.getuid?.() !== 0 && 'mounting needs root'

function bench(context: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'sub-path-'))
  const volumePath = join(root, 'volume')
  mkdirSync(volumePath)
  mkdirSync(join(root, 'outside'))
  writeFileSync(join(root, 'outside', 'secret'), 'x')
  context.after(() => removeFolder(root, mounter, signal).finally(() => rmSync(root, { recursive: true, force: true })))
  let count = 0
  const prepare = (subPath: string, create = true, { index = count++, by = mounter }: { index?: number; by?: Mounter } = {}) =>
    prepareSubPath({ podDirectory: join(root, 'pod'), volumeName: 'v', containerName: 'c', index, volumePath, subPath, create }, by, signal)
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

test('a part that is missing and may not be made is an empty folder beside the volume, until it comes', { skip }, async (context) => {
  const { root, volumePath, prepare } = bench(context)
  chmodSync(volumePath, 0o2755)
  chownSync(volumePath, 0, 4321)
  const again = () => prepare('later', false, { index: 3 })
  for (let n = 0; n < 2; n++) {
    const target = await again()
    assert.deepEqual([readdirSync(target), statSync(target).gid, readdirSync(volumePath)], [[], 4321, []])
    assert.deepEqual(await mounter.mountsUnder(join(root, 'pod')), [])
  }
  await writePayload(volumePath, new Map([['later', { content: Buffer.from('there'), mode: 0o644 }]]), async () => {})
  assert.equal(readFileSync(await again(), 'utf8'), 'there')
  await writePayload(volumePath, new Map(), async () => {})
  assert.deepEqual(readdirSync(await again()), [])
  await assert.rejects(prepare('../outside', false), { name: 'VolumeError' })
})

const payload = (text: string) => new Map(['conf', 'deep/er/conf'].map((path) => [path, { content: Buffer.from(text), mode: 0o644 }]))

for (const [what, subPath, read] of [
  ['a file', 'conf', ''],
  ['a file two folders down', 'deep/er/conf', ''],
  ['a folder', 'deep', 'er/conf'],
] as const) {
  test(`${what} of a ConfigMap that has changed is bound anew, and bound once when it has not`, { skip }, async (context) => {
    const { volumePath, prepare } = bench(context)
    const again = () => prepare(subPath, false, { index: 7 })
    for (const text of ['v=1', 'v=2', 'v=3']) {
      await writePayload(volumePath, payload(text), async () => {})
      const target = await again()
      assert.equal(readFileSync(join(target, read), 'utf8'), text)
      await again()
      assert.deepEqual(await mounter.mountsUnder(target), [target])
    }
  })
}

test('what was deleted and made again, as something else even, is bound anew', { skip }, async (context) => {
  const { volumePath, prepare } = bench(context)
  const again = () => prepare('a', true, { index: 0 })
  writeFileSync(join(await again(), 'old'), '')
  rmSync(join(volumePath, 'a'), { recursive: true })
  assert.deepEqual(readdirSync(await again()), [])
  rmSync(join(volumePath, 'a'), { recursive: true })
  writeFileSync(join(volumePath, 'a'), 'a file now')
  assert.equal(readFileSync(await again(), 'utf8'), 'a file now')
})

test('new folders have the mode and the group of the volume, whatever the umask', { skip }, async (context) => {
  const { volumePath, prepare } = bench(context)
  const previous = process.umask(0o077)
  try {
    chownSync(volumePath, 0, 4321)
    chmodSync(volumePath, 0o2775)
    await prepare('a/b')
    chownSync(volumePath, 0, 0)
    chmodSync(volumePath, 0o755)
    await prepare('c')
  } finally {
    process.umask(previous)
  }
  const of = (name: string) => {
    const { mode, uid, gid } = statSync(join(volumePath, name))
    return [(mode & 0o7777).toString(8), uid, gid]
  }
  assert.deepEqual(
    [of('a'), of('a/b'), of('c')],
    [
      ['2775', 0, 4321],
      ['2775', 0, 4321],
      ['755', 0, 0],
    ],
  )
})

/** While it is called, a folder of the volume is swapped for a link out of it and back, as fast as can be, as a container may. */
async function whileSwapped(volumePath: string, outside: string, act: () => Promise<void>): Promise<void> {
  const [name, link, aside] = ['a', 'link', 'aside'].map((one) => join(volumePath, one))
  const code = `const { renameSync, rmSync } = require('node:fs'); const { workerData: [name, link, aside], parentPort } = require('node:worker_threads')
    const swap = (from, to) => { try { renameSync(from, to) } catch { rmSync(to, { recursive: true }); renameSync(from, to) } }
    parentPort.postMessage('go')
    for (;;) { swap(name, aside); swap(link, name); swap(name, link); swap(aside, name) }`
  mkdirSync(name ?? '')
  symlinkSync(outside, link ?? '')
  const worker = new Worker(code, { eval: true, workerData: [name, link, aside] })
  try {
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await act()
  } finally {
    await worker.terminate()
  }
}

const unmounted: Mounter = {
  memory: async () => {},
  bind: async () => {},
  fileSystem: async () => {},
  unmount: async () => {},
  condition: async () => 'answers',
  mountsUnder: async () => [],
}

test('a container that swaps a folder for a link all the time gets nothing made, and nothing opened, elsewhere', {
  skip,
}, async (context) => {
  const { root, volumePath, prepare } = bench(context)
  const outside = join(root, 'outside')
  let bound = 0
  let refused = 0
  const by: Mounter = {
    ...unmounted,
    async bind(source) {
      bound++
      // The open place itself, whatever its name leads to by now.
      assert.deepEqual(readdirSync(source), [])
    },
  }
  await whileSwapped(volumePath, outside, async () => {
    for (let i = 0; i < 300; i++) {
      await prepare(`a/new-${i}`, true, { by }).catch((error) => {
        assert.equal(error.name, 'VolumeError', error.stack)
        refused++
      })
    }
  })
  context.diagnostic(`bound ${bound}, refused ${refused}`)
  assert.ok(bound > 0)
  assert.deepEqual(readdirSync(outside), ['secret'])
})

test('giving a tree to a group while it is being swapped for a link changes nothing elsewhere', { skip }, async (context) => {
  const { root, volumePath } = bench(context)
  const outside = join(root, 'outside')
  const facts = () => [outside, join(outside, 'secret')].map((path) => [statSync(path).gid, statSync(path).mode])
  const before = facts()
  for (let i = 0; i < 20; i++) writeFileSync(join(volumePath, `file-${i}`), '')
  await whileSwapped(volumePath, outside, async () => {
    for (let i = 0; i < 60; i++) {
      // What vanished between being listed and being opened is for the caller to try again.
      await giveToGroup(volumePath, 4321, { readOnly: false }).catch((error) => assert.equal(error.code, 'ENOENT'))
    }
  })
  assert.equal(statSync(join(volumePath, 'file-0')).gid, 4321)
  assert.deepEqual(facts(), before)
})

test('a link in place of a folder is not passed, also one that leads nowhere yet', { skip }, async (context) => {
  const { root, volumePath, prepare } = bench(context)
  symlinkSync(join(root, 'outside', 'not-yet'), join(volumePath, 'dangling'))
  await assert.rejects(prepare('dangling/x'), { name: 'VolumeError' })
  await assert.rejects(prepare('dangling'), { name: 'VolumeError' })
  assert.deepEqual(readdirSync(join(root, 'outside')), ['secret'])
  symlinkSync(join(root, 'outside'), join(root, 'pretended-volume'))
  await assert.rejects(giveToGroup(join(root, 'pretended-volume'), 4321, { readOnly: false }), { code: 'ENOTDIR' })
  assert.equal(statSync(join(root, 'outside')).gid, 0)
})
