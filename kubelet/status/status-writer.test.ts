import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Pod, PodStatus } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { statusWriter } from './status-writer.ts'

const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [] }, status: {} }
const phase = (name: string): PodStatus => ({ phase: name })

/** A server whose answers the test decides: an error is thrown, a promise is waited for. */
function bench(answer: (attempt: number) => Error | Promise<void> | undefined = () => undefined) {
  const clock = manualClock()
  const sent: unknown[] = []
  const lifetime = new AbortController()
  const writer = {
    async patch(_v: string, _k: string, _name: object, patch: { body: unknown }): Promise<Pod> {
      sent.push((patch.body as { status: unknown }).status)
      const outcome = answer(sent.length)
      if (outcome instanceof Error) throw outcome
      await outcome
      return pod
    },
  }
  const statuses = statusWriter(writer as unknown as Parameters<typeof statusWriter>[0], clock, silentLogger(), lifetime.signal)
  return { statuses, sent, clock, lifetime }
}

test('sends what changed, once', async () => {
  const { statuses, sent, clock } = bench()
  statuses.set(pod, phase('Pending'))
  await clock.settle()
  statuses.set(pod, phase('Pending'))
  await clock.settle()
  statuses.set(pod, phase('Running'))
  await statuses.flushed('u')
  assert.deepEqual(sent, [{ phase: 'Pending' }, { phase: 'Running' }])
})

test('keeps only the newest while a write is under way', async () => {
  const gate = Promise.withResolvers<void>()
  const { statuses, sent, clock } = bench((attempt) => (attempt === 1 ? gate.promise : undefined))
  for (const name of ['one', 'two', 'three', 'four']) {
    statuses.set(pod, phase(name))
    await clock.settle()
  }
  gate.resolve()
  await statuses.flushed('u')
  assert.deepEqual(sent, [{ phase: 'one' }, { phase: 'four' }])
})

test('goes on trying, more and more slowly, and sends what is newest then', async () => {
  const { statuses, sent, clock } = bench((attempt) => (attempt < 4 ? new Error('connect ECONNREFUSED') : undefined))
  statuses.set(pod, phase('one'))
  await clock.settle()
  statuses.set(pod, phase('two'))
  await clock.advance(250)
  assert.equal(sent.length, 2)
  await clock.advance(499)
  assert.equal(sent.length, 2)
  await clock.advance(1_001)
  assert.deepEqual(sent, [{ phase: 'one' }, { phase: 'two' }, { phase: 'two' }, { phase: 'two' }])
  await statuses.flushed('u')
})

test('a conflict is tried again, a pod that is not there is let go', async () => {
  const conflict = bench((attempt) => (attempt === 1 ? new StatusError('Conflict', 'busy') : undefined))
  conflict.statuses.set(pod, phase('one'))
  await conflict.clock.advance(300)
  assert.equal(conflict.sent.length, 2)
  const gone = bench(() => new StatusError('NotFound', 'gone'))
  gone.statuses.set(pod, phase('one'))
  await gone.statuses.flushed('u')
  await gone.clock.advance(60_000)
  assert.equal(gone.sent.length, 1)
})

test('a forgotten pod, and a kubelet that stops, send no more', async () => {
  const away = () => new Error('away')
  const forgotten = bench(away)
  forgotten.statuses.set(pod, phase('one'))
  await forgotten.clock.settle()
  forgotten.statuses.forget('u')
  await forgotten.clock.advance(60_000)
  assert.equal(forgotten.sent.length, 1)
  const stopped = bench(away)
  stopped.statuses.set(pod, phase('one'))
  await stopped.clock.settle()
  stopped.lifetime.abort()
  await stopped.statuses.flushed('u')
  assert.equal(stopped.sent.length, 1)
})
