import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionError } from '../../shared/client/connection-error.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { inGrowingBatches, isUnanswered, podName } from './pod-control.ts'

test('creation starts slowly and doubles while all goes well', async () => {
  const sizes: number[] = []
  let inBatch = 0
  const endBatch = () => {
    sizes.push(inBatch)
    inBatch = 0
  }
  await inGrowingBatches(20, async () => {
    if (inBatch++ === 0) queueMicrotask(() => queueMicrotask(endBatch))
  })
  assert.deepEqual(sizes, [1, 2, 4, 8, 5])
})

test('a refusal stops it after the batch it was in', async () => {
  let asked = 0
  const creating = inGrowingBatches(500, async () => {
    if (++asked > 3) throw new Error('quota')
  })
  await assert.rejects(creating, /quota/)
  assert.equal(asked, 7, '1 + 2 + 4')
})

test('nothing to create asks nobody', async () => inGrowingBatches(0, () => assert.fail('asked')))

test('names fit a host name, whatever the owner is called', () => {
  const owner = (name: string) => ({ apiVersion: 'v1', kind: 'X', metadata: { name } })
  assert.match(podName(owner('web-abc'), seededRandom(1)), /^web-abc-[b-z2-9]{5}$/)
  assert.equal(podName(owner('x'.repeat(200)), seededRandom(1)).length, 63)
})

test('only a no of the server is an answer', () => {
  assert.equal(isUnanswered(new ConnectionError('reset')), true)
  assert.equal(isUnanswered(new StatusError('InternalError', 'oops')), true)
  assert.equal(isUnanswered(new StatusError('Forbidden', 'no')), false)
  assert.equal(isUnanswered(new StatusError('AlreadyExists', 'no')), false)
})
