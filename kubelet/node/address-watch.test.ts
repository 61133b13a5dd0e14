import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { addressChange, addressTowards } from './address-watch.ts'

test('loopback is no address that others could use, and no way there is none either', async () => {
  assert.equal(await addressTowards('https://127.0.0.1:6443'), undefined)
  assert.equal(await addressTowards('https://255.255.255.255:6443'), undefined)
})

test('another address is told; none for a while is waited through', async () => {
  const clock = manualClock()
  const seen: (string | undefined)[] = ['192.0.2.1', undefined, '192.0.2.1', undefined, '192.0.2.7', '192.0.2.8']
  const change = addressChange('192.0.2.1', async () => seen.shift(), clock, new AbortController().signal)
  for (let step = 0; step < 6; step++) await clock.advance(5_000)
  assert.equal(await change, '192.0.2.7')
  assert.deepEqual(seen, ['192.0.2.8'], 'the search ended with it')
})

test('it ends with the kubelet', async () => {
  const clock = manualClock()
  const stopping = new AbortController()
  const change = addressChange('192.0.2.1', async () => '192.0.2.1', clock, stopping.signal)
  await clock.advance(5_000)
  stopping.abort(new Error('the kubelet is stopping'))
  await assert.rejects(change, /stopping/)
})
