import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { Expectations } from './expectations.ts'

const pod = (name: string, uid: string, resourceVersion: string, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'x', name, uid, resourceVersion, ...more },
})

/** A cache that shows what the test says. */
function subject() {
  const shown = new Map<string, KubeObject>()
  const clock = manualClock()
  const cache = {
    get: (key: string) => shown.get(key),
    list: () => [...shown.values()],
    lookup: () => [],
    get size() {
      return shown.size
    },
  }
  const informer = { cache, revision: 5 }
  return { shown, clock, informer, expectations: new Expectations(informer, clock) }
}

test('a creation is waited for until the cache is that far, whatever became of the object', () => {
  const { informer, expectations } = subject()
  assert.equal(expectations.satisfied('x/web'), true)
  expectations.written('x/web', pod('a', '1', '8'))
  assert.equal(expectations.satisfied('x/web'), false)
  assert.equal(expectations.satisfied('x/other'), true, 'others are not held up')
  informer.revision = 7
  assert.equal(expectations.satisfied('x/web'), false)
  informer.revision = 8
  assert.equal(expectations.satisfied('x/web'), true)
})

test('a creation that the cache shows already is not waited for', () => {
  const { informer, expectations } = subject()
  informer.revision = 9
  expectations.written('x/web', pod('a', '1', '8'))
  assert.equal(expectations.satisfied('x/web'), true)
})

test('a deletion is waited for until the object is marked, gone, or another', () => {
  const { shown, expectations } = subject()
  const here = pod('a', '1', '3')
  const cases: [string, KubeObject | undefined][] = [
    ['marked', pod('a', '1', '6', { deletionTimestamp: '2030-01-01T00:00:00Z' })],
    ['gone', undefined],
    ['another of its name', pod('a', '2', '6')],
  ]
  for (const [name, after] of cases) {
    shown.set('x/a', here)
    expectations.deleted('x/web', here)
    assert.equal(expectations.satisfied('x/web'), false, name)
    if (after) shown.set('x/a', after)
    else shown.delete('x/a')
    assert.equal(expectations.satisfied('x/web'), true, name)
  }
})

test('what never shows up is given up, and what is forgotten is not waited for', async () => {
  const { clock, expectations } = subject()
  expectations.written('x/web', pod('a', '1', '8'))
  expectations.written('x/gone', pod('b', '2', '9'))
  expectations.forget('x/gone')
  assert.equal(expectations.satisfied('x/gone'), true)
  await clock.advance(5 * 60_000)
  assert.equal(expectations.satisfied('x/web'), false)
  await clock.advance(1)
  assert.equal(expectations.satisfied('x/web'), true)
})
