import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { manifestFolder } from './manifest-folder.ts'

const manifest = (name: string, image = 'i:1') =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'main', image }] } })

/** A folder that is followed; `until` waits for what it shows. */
function followed(context: TestContext, { every = 60_000, path }: { every?: number; path?: string } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'))
  const lifetime = new AbortController()
  let shown: readonly Pod[] | undefined
  let changed = Promise.withResolvers<void>()
  const source = manifestFolder(path ? join(folder, path) : folder, { nodeName: 'n1', every, clock: realClock(), log: silentLogger() })
  const start = () =>
    source.follow((pods) => {
      shown = pods
      changed.resolve()
      changed = Promise.withResolvers()
    }, lifetime.signal)
  let ended: Promise<void> | undefined
  context.after(async () => {
    lifetime.abort(new Error('over'))
    await ended
    rmSync(folder, { recursive: true })
  })
  return {
    folder,
    /** Written a while ago: complete. */
    put(name: string, text: string, secondsAgo = 60) {
      const file = join(folder, name)
      writeFileSync(file, text)
      const at = (realClock().now() - secondsAgo * 1000) / 1000
      utimesSync(file, at, at)
    },
    start() {
      ended = start()
    },
    async until(names: readonly string[], images?: readonly string[]) {
      for (;;) {
        const isSo =
          JSON.stringify(shown?.map(({ metadata }) => metadata.name)) === JSON.stringify(names) &&
          (!images || JSON.stringify(shown?.map(({ spec }) => spec.containers[0]?.image)) === JSON.stringify(images))
        if (isSo) return shown ?? []
        await changed.promise
      }
    },
  }
}

test('manifests of a folder are pods in the order of the files; what is none is passed over', async (context) => {
  const { put, start, until, folder } = followed(context)
  put('b.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  containers:\n  - {name: main, image: "i:1"}\n')
  put('a.json', manifest('a'))
  put('.hidden.json', manifest('hidden'))
  put('garbage', '\u0000\u0001')
  put('half.json', manifest('half').slice(0, 40))
  mkdirSync(join(folder, 'inner'))
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.yaml'))
  start()
  await until(['a-n1', 'b-n1'])
})

test('files that come, change, are renamed and go are followed as the kernel tells', async (context) => {
  const { put, start, until, folder } = followed(context)
  start()
  await until([])
  put('a.json', manifest('a'))
  const [first] = await until(['a-n1'])
  put('a.json', manifest('a', 'i:2'))
  const [second] = await until(['a-n1'], ['i:2'])
  assert.notEqual(first?.metadata.uid, second?.metadata.uid)
  renameSync(join(folder, 'a.json'), join(folder, '.a.json'))
  await until([])
  renameSync(join(folder, '.a.json'), join(folder, 'a.json'))
  await until(['a-n1'])
  rmSync(join(folder, 'a.json'))
  await until([])
})

test('a file that has become garbage keeps its pod, until it is good again or gone', async (context) => {
  const { put, start, until } = followed(context)
  put('a.json', manifest('a'))
  put('z.json', manifest('z'))
  start()
  await until(['a-n1', 'z-n1'])
  put('a.json', '{"apiVersion": ')
  put('z.json', manifest('z', 'i:2'))
  await until(['a-n1', 'z-n1'], ['i:1', 'i:2'])
  put('a.json', manifest('a', 'i:3'))
  await until(['a-n1', 'z-n1'], ['i:3', 'i:2'])
})

test('what is being written is waited for', async (context) => {
  const { put, start, until, folder } = followed(context)
  put('a.json', manifest('a'))
  start()
  await until(['a-n1'])
  // Written this moment: not believed yet, and looked at again without any further change.
  writeFileSync(join(folder, 'a.json'), manifest('a', 'i:9'))
  await until(['a-n1'], ['i:1'])
  await until(['a-n1'], ['i:9'])
})

test('a folder that does not exist yet has no pods; it is looked for from time to time', async (context) => {
  const { folder, put, start, until } = followed(context, { path: 'later', every: 50 })
  start()
  await until([])
  mkdirSync(join(folder, 'later'))
  put('later/a.json', manifest('a'))
  await until(['a-n1'])
})

test('a single file is a manifest too', async (context) => {
  const { put, start, until } = followed(context, { path: 'one.json' })
  put('one.json', manifest('one'))
  start()
  await until(['one-n1'])
})
