import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import type { WatchEvent } from '../client/client.ts'
import { StatusError } from '../errors/status-error.ts'
import { silentLogger } from '../logging/logger.ts'
import type { KubeObject } from '../objects/object.ts'
import { seededRandom } from '../random/random.ts'
import type { ReflectorSource } from './reflector.ts'
import { createInformer } from './shared-informers.ts'

interface Thing extends KubeObject {
  node: string
}

const thing = (name: string, revision: number, node = 'n1', uid = `uid-${name}`): Thing => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { namespace: 'x', name, uid, resourceVersion: String(revision) },
  node,
})

type Step = WatchEvent<Thing> | Error | 'end' | 'hang'

/** A server that follows a script: lists in turn, and for each watch its steps. */
function scripted(lists: (Thing[] | Error)[], watches: Step[][]) {
  const asked: string[] = []
  const source: ReflectorSource<Thing> = {
    async list({ continue: token, limit }) {
      asked.push(`list${token ? ` ${token}` : ''}`)
      const next = lists.shift() ?? new Error('no more lists')
      if (next instanceof Error) throw next
      assert.equal(limit, 1000)
      const revision = Math.max(10, ...next.map((one) => Number(one.metadata.resourceVersion)))
      return { metadata: { resourceVersion: String(revision) }, items: structuredClone(next) }
    },
    async *watch({ resourceVersion, signal, allowBookmarks }) {
      assert.equal(allowBookmarks, true)
      asked.push(`watch ${resourceVersion}`)
      for (const step of watches.shift() ?? ['hang']) {
        if (step instanceof Error) throw step
        if (step === 'end') return
        if (step === 'hang') await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
        else yield structuredClone(step)
      }
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  return { source, asked }
}

async function follow(lists: (Thing[] | Error)[], watches: Step[][]) {
  const { source, asked } = scripted(lists, watches)
  const clock = manualClock()
  const informer = createInformer('things', source, { clock, random: seededRandom(1), log: silentLogger() })
  informer.addLookups({ node: (one) => one.node })
  const changes: string[] = []
  informer.onChange((key, current, previous) =>
    changes.push(`${key} ${previous?.metadata.resourceVersion ?? '-'}>${current?.metadata.resourceVersion ?? '-'}`),
  )
  const abort = new AbortController()
  informer.start(abort.signal)
  await clock.settle()
  return { informer, changes, asked, clock, abort }
}

const expired = () => new StatusError('Expired', 'too old resource version')

test('list, watch, and lookups that follow every change', async () => {
  const { informer, changes, asked, abort } = await follow(
    [[thing('a', 5), thing('b', 7)]],
    [
      [
        { type: 'MODIFIED', object: thing('a', 11, 'n2') },
        { type: 'ADDED', object: thing('c', 12, 'n2') },
        { type: 'DELETED', object: thing('b', 13) },
      ],
    ],
  )
  assert.equal(informer.synced, true)
  assert.deepEqual(changes, ['x/a ->5', 'x/b ->7', 'x/a 5>11', 'x/c ->12', 'x/b 13>-'])
  assert.deepEqual(asked, ['list', 'watch 10'])
  assert.deepEqual(
    informer.cache.lookup('node', 'n2').map((one) => one.metadata.name),
    ['a', 'c'],
  )
  assert.deepEqual(informer.cache.lookup('node', 'n1'), [])
  assert.equal(informer.cache.list('x').length, 2)
  assert.throws(() => informer.cache.lookup('zone', 'n1'), /no lookup "zone"/)
  assert.throws(() => {
    informer.cache.get('x/a')!.node = 'edited'
  }, TypeError)
  const late: string[] = []
  informer.onChange((key) => late.push(key))
  assert.deepEqual(late, ['x/a', 'x/c'], 'a late listener is told of what is there')
  abort.abort()
})

test('a watch that ends is resumed from the last revision, bookmarks included', async () => {
  const { asked, clock, abort } = await follow(
    [[]],
    [[{ type: 'ADDED', object: thing('a', 20) }, 'end'], [{ type: 'BOOKMARK', object: thing('', 35) }, 'end'], [new Error('reset')], []],
  )
  await clock.advance(10_000)
  assert.deepEqual(asked, ['list', 'watch 10', 'watch 20', 'watch 35', 'watch 35'])
  abort.abort()
})

test('on 410 it lists again and tells of what was deleted meanwhile, and only of real changes', async () => {
  const { informer, changes, asked, clock, abort } = await follow(
    [
      [thing('a', 5), thing('b', 7), thing('c', 8)],
      [thing('a', 5), thing('c', 30, 'n1', 'another'), thing('d', 31)],
    ],
    [[expired()], []],
  )
  await clock.advance(1_000)
  assert.deepEqual(asked, ['list', 'watch 10', 'list', 'watch 31'])
  assert.deepEqual(changes.slice(3), ['x/c 8>-', 'x/c ->30', 'x/d ->31', 'x/b 7>-'], 'another uid is a deletion and an addition')
  assert.equal(informer.cache.size, 3)
  abort.abort()
})

test('a server that is away is asked again with growing pauses, and what was cached stays', async () => {
  const away = () => new Error('connection refused')
  const { informer, asked, clock, abort } = await follow([away(), away(), [thing('a', 5)]], [[away()], [away()], []])
  assert.equal(informer.synced, false)
  await clock.advance(600)
  await informer.whenSynced()
  assert.equal(informer.cache.size, 1)
  await clock.advance(60_000)
  assert.deepEqual(asked, ['list', 'list', 'list', 'watch 10', 'watch 10', 'watch 10'])
  abort.abort()
})

test('a watch that falls silent is given up', async () => {
  const { asked, clock, abort } = await follow([[]], [['hang'], []])
  await clock.advance(179_000)
  assert.equal(asked.length, 2)
  await clock.advance(2_000)
  assert.deepEqual(asked, ['list', 'watch 10', 'watch 10'])
  abort.abort()
  await clock.settle()
  assert.equal(clock.pending.length, 0, 'an abort leaves no timer behind')
})

test('a watch that always ends at once does not spin', async () => {
  const { asked, clock, abort } = await follow(
    [[]],
    Array.from({ length: 500 }, (): Step[] => ['end']),
  )
  await clock.advance(60_000)
  assert.ok(asked.length < 40, `asked ${asked.length} times in a minute`)
  abort.abort()
})

test('a listener that throws harms nobody else', async () => {
  const { informer, abort } = await follow([[thing('a', 5)]], [[]])
  informer.onChange(() => {
    throw new Error('bad listener')
  })
  const seen: string[] = []
  informer.onChange((key) => seen.push(key))
  assert.deepEqual(seen, ['x/a'])
  abort.abort()
})

test('waiting for the first list ends with its signal', async () => {
  const { informer, abort } = await follow([new Error('away')], [])
  const waiting = informer.whenSynced(abort.signal)
  abort.abort(new Error('stopping'))
  await assert.rejects(waiting, /stopping/)
})
