import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as realDelay } from 'node:timers/promises'
import { connectClient } from '../../shared/client/connect.ts'
import { ConnectionError } from '../../shared/client/connection-error.ts'
import { hasReason, StatusError } from '../../shared/errors/status-error.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { apiServerProcess } from '../harness/apiserver-process.ts'

const ROUNDS = 6
const WRITERS = 4

test('an informer and its writers outlive a server that is killed again and again: nothing acknowledged is lost, skipped or seen twice', async (t) => {
  const server = await apiServerProcess()
  t.after(() => server.remove())
  await server.start()
  const clock = realClock()
  const { client, close } = connectClient({ kubeconfig: server.kubeconfig, clock, userAgent: 'crash test' })
  t.after(close)
  const abort = new AbortController()
  t.after(() => abort.abort())
  const informers = createInformers({ client, clock, random: systemRandom(), log: silentLogger() })
  const maps = informers.of('v1', 'ConfigMap', { namespace: 'default' })
  /** Revisions as the informer told of them, by object. */
  const seen = new Map<string, number[]>()
  maps.onChange((key, current) => {
    if (current) seen.set(key, [...(seen.get(key) ?? []), Number(current.metadata.resourceVersion)])
  })
  informers.start(abort.signal)
  await informers.whenSynced(abort.signal)

  /** The highest count each writer was told is stored. */
  const acknowledged = new Map<string, number>()
  let isWriting = true
  const writer = async (name: string) => {
    for (let count = 0; isWriting; ) {
      const key = { namespace: 'default', name }
      try {
        if (count === 0) await client.create('v1', 'ConfigMap', { metadata: key, data: { count: '0' } })
        else await client.patch('v1', 'ConfigMap', key, { type: 'merge', body: { data: { count: String(count) } } })
        acknowledged.set(name, count++)
      } catch (error) {
        if (hasReason(error, 'AlreadyExists')) acknowledged.set(name, count++)
        else if (error instanceof ConnectionError || (error instanceof StatusError && error.code >= 500)) await realDelay(20)
        else throw error
      }
    }
  }
  const writers = Array.from({ length: WRITERS }, (_, index) => writer(`writer-${index}`))
  for (let round = 0; round < ROUNDS; round++) {
    await realDelay(150 + 100 * Math.random())
    await server.kill('SIGKILL')
    await server.start()
  }
  await realDelay(200)
  isWriting = false
  await Promise.all(writers)

  const last = await client.create('v1', 'ConfigMap', { metadata: { namespace: 'default', name: 'last' } })
  await new Promise<void>((resolve) => maps.onChange((key) => key === 'default/last' && resolve()))
  const stored = new Map((await client.list('v1', 'ConfigMap', { namespace: 'default' })).items.map((each) => [each.metadata.name, each]))
  for (const [name, count] of acknowledged) {
    const object = stored.get(name)
    assert.ok(Number(object?.data?.['count']) >= count, `${name}: ${count} was acknowledged, ${object?.data?.['count']} is stored`)
    assert.deepEqual(maps.cache.get(`default/${name}`)?.data, object?.data, `${name} in the cache`)
    const revisions = seen.get(`default/${name}`) ?? []
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
      `${name}: in order, none twice`,
    )
    assert.ok(revisions.length >= count * 0.5, `${name}: ${revisions.length} changes seen of ${count}`)
  }
  assert.ok(
    [...acknowledged.values()].every((count) => count > ROUNDS),
    'every writer went on between the crashes',
  )
  assert.equal(maps.cache.get('default/last')?.metadata.uid, last.metadata.uid)
})
