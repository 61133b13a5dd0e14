// What a look at the past costs: the list of a kind as it was before many changes, alone and beside small reads; and what a change costs on the disk.
// `tools/node bench/rewind.ts`
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectFacts } from '../apiserver/registry/object-facts.ts'
import { openLevelStorage } from '../apiserver/storage/leveldb-storage.ts'
import type { Storage } from '../apiserver/storage/storage.ts'
import { silentLogger } from '../shared/logging/logger.ts'
import { realClock } from '../shared/time/clock.ts'
import { startApi } from '../test/harness/api.ts'
import { printRow, ratio } from '../test/harness/pod-load.ts'

const OBJECTS = 2_000
const CHANGES = 200_000
const GETS = 1_000

const clock = realClock()
const directory = mkdtempSync(join(tmpdir(), 'bench-rewind-'))
let storage: Storage<ObjectFacts> | undefined
const api = await startApi({
  parts: {
    openStorage: async (options) => (storage = await openLevelStorage({ ...options, directory, logger: silentLogger() })),
  },
})

const path = '/api/v1/namespaces/default/configmaps'
const padding = 'x'.repeat(600)
const bytesOf = (name: string, n: number) => (revision: number) =>
  Buffer.from(
    JSON.stringify({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name, namespace: 'default', uid: name, resourceVersion: String(revision), creationTimestamp: '2030-01-01T00:00:00Z' },
      data: { n: String(n), padding },
    }),
  )
/** Straight into the store: this is not about writes. */
async function write(name: string, n: number): Promise<void> {
  const facts = { namespace: 'default', name, labels: undefined, fields: [] }
  const key = `core/configmaps/default/${name}`
  await storage!.write({ type: 'put', key, expect: undefined, durability: 'relaxed', encode: bytesOf(name, n), facts })
}
async function timed(asked: string): Promise<number> {
  const start = clock.monotonic()
  const { status, text } = await api.request('GET', asked)
  if (status !== 200) throw new Error(text)
  return clock.monotonic() - start
}
const p99 = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)]!
const sizeOf = () => readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)

try {
  for (let n = 0; n < OBJECTS; n++) await write(`o-${n}`, n)
  const then = storage!.revision
  const before = sizeOf()
  for (let n = 0; n < CHANGES; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, index) => write(`o-${(n + index) % (OBJECTS / 2)}`, n)))
  }
  printRow('a change of 0.8 KB, on the disk', (sizeOf() - before) / CHANGES, 'bytes')
  const now = await timed(path)
  printRow(`list ${OBJECTS} objects, now`, now, 'ms')
  const near = await timed(`/rewind/${storage!.revision - 1_000}${path}`)
  printRow('as of 1,000 changes ago (in memory)', near, 'ms', ratio(near, now))
  const far = await timed(`/rewind/${then}${path}`)
  printRow(`as of ${CHANGES} changes ago, the first time`, far, 'ms', ratio(far, now))
  const again = await timed(`/rewind/${then}${path}`)
  printRow('again', again, 'ms', ratio(again, now))
  const one = await timed(`/rewind/${then}${path}/o-7`)
  printRow('one object as of then', one, 'ms')
  const told = await timed(`/rewind/${then}/changes?limit=500`)
  printRow('500 changes after then, with what changed', told, 'ms')

  const gets = async () => {
    const all: number[] = []
    for (let n = 0; n < GETS; n++) {
      all.push(await timed(`${path}/o-7`))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return p99(all)
  }
  const alone = await gets()
  printRow('get, alone, p99', alone, 'ms')
  let isOver = false
  const lookBack = async (n: number) => {
    while (!isOver) await timed(`/rewind/${then + n++}${path}`)
  }
  const looks = [lookBack(1), lookBack(5_001)]
  const beside = await gets()
  isOver = true
  await Promise.all(looks)
  printRow('get, beside two that list the past all the time, p99', beside, 'ms', ratio(beside, alone))
} finally {
  await api.stop()
  rmSync(directory, { recursive: true })
}
