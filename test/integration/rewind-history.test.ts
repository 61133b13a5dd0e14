import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ObjectFacts } from '../../apiserver/registry/object-facts.ts'
import { openLevelStorage } from '../../apiserver/storage/leveldb-storage.ts'
import { createMemoryStorage } from '../../apiserver/storage/memory-storage.ts'
import type { Storage, StorageOptions } from '../../apiserver/storage/storage.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { serviceAccount } from '../harness/bodies.ts'
import { type Recorded, recordHistory } from '../harness/recorded-history.ts'

/** So few changes stay in memory that most moments are read from the log. */
const RECENT = { changes: 40, bytes: 2 ** 20 }

type Open = (options: StorageOptions<ObjectFacts>) => Promise<Storage<ObjectFacts>>

/** A server over a store of which a test knows the revision, and whose wall clock the test moves. */
function scene(open: Open, start = Date.UTC(2030, 0, 1)) {
  let time = start
  let storage: Storage<ObjectFacts> | undefined
  const clock: Clock = { ...realClock(), now: () => time }
  return {
    tick: () => (time += 7_000),
    revision: () => storage!.revision,
    start: () => startApi({ clock, parts: { openStorage: async (options) => (storage = await open({ ...options, clock })) } }),
  }
}

/** Asked for by revision, or by time, of which ages in tables speak too. */
async function looksTheSame(api: TestApi, seen: readonly Recorded[], least: number): Promise<void> {
  const moments = { revision: new Set<number>(), time: new Set<number>() }
  for (const { revision, time, path, accept, answer } of seen) {
    const by = accept.includes('as=Table') ? 'time' : 'revision'
    const moment = by === 'time' ? new Date(time).toISOString() : revision
    if (by === 'time') {
      const found = Number((await api.request('GET', `/rewind/${moment}`)).json['revision'])
      assert.ok(found >= revision, `${moment} leads to ${found}, before ${revision}`)
      // The server itself wrote something more while the clock stood there.
      if (found !== revision) continue
    }
    const now = await api.request('GET', `/rewind/${moment}${path}`, undefined, { accept })
    assert.deepEqual({ status: now.status, text: now.text }, answer, `${path} (${accept}) at ${moment}`)
    moments[by].add(revision)
  }
  const { size } = new Set([...moments.revision, ...moments.time])
  assert.ok(size >= least && moments.time.size >= least / 5, `only ${size} moments were looked at, ${moments.time.size} by time`)
}

async function withServiceAccounts(api: TestApi): Promise<void> {
  for (const namespace of ['default', 'kube-system'])
    await api.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, serviceAccount('default'))
}

test('every answer of the past is what a client was given then, from memory', async (context) => {
  const { start, tick, revision } = scene(async (options) => createMemoryStorage({ ...options, recent: RECENT }))
  const api = await start()
  context.after(() => api.stop())
  await withServiceAccounts(api)
  const seen = await recordHistory({ api, random: seededRandom(43), steps: 2_600, revision, tick })
  await looksTheSame(api, seen, 1_000)
})

test('and from LevelDB, of a server that was started again meanwhile', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'rewind-'))
  const open: Open = (options) => openLevelStorage({ ...options, directory, logger: silentLogger(), recent: RECENT })
  const first = scene(open)
  const api = await first.start()
  const seen = await withServiceAccounts(api)
    .then(() => recordHistory({ ...first, api, random: seededRandom(44), steps: 700 }))
    .finally(() => api.stop())
  const second = await scene(open, first.tick()).start()
  context.after(() => second.stop().then(() => rmSync(directory, { recursive: true })))
  await looksTheSame(second, seen, 250)
})
