import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../errors/status-error.ts'
import { readWatchEvents } from './watch-stream.ts'

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

const event = (type: string, name: string) => ({ type, object: { metadata: { name, annotations: { text: 'ä☸'.repeat(3) } } } })

test('frames are whole wherever the chunks end, inside characters too', async () => {
  const events = [event('ADDED', 'a'), event('MODIFIED', 'b'), event('BOOKMARK', 'c'), event('DELETED', 'd')]
  const bytes = Buffer.from(events.map((each) => `${JSON.stringify(each)}\n`).join(''))
  for (const size of [1, 2, 3, 7, 64, 100, bytes.length - 1, bytes.length]) {
    assert.deepEqual(await Array.fromAsync(readWatchEvents(inPieces(bytes, size))), events, `chunks of ${size}`)
  }
})

test('a last frame without a newline counts, empty lines do not', async () => {
  const bytes = Buffer.from(`\n${JSON.stringify(event('ADDED', 'a'))}\n\n${JSON.stringify(event('ADDED', 'b'))}`)
  assert.equal((await Array.fromAsync(readWatchEvents(inPieces(bytes, 10)))).length, 2)
})

test('a big frame in small chunks is joined once', async () => {
  const big = { type: 'ADDED', object: { data: 'x'.repeat(8_000_000) } }
  const started = performance.now()
  const [one] = await Array.fromAsync(readWatchEvents(inPieces(Buffer.from(`${JSON.stringify(big)}\n`), 4096)))
  assert.deepEqual(one, big)
  assert.ok(performance.now() - started < 2000, 'joining grew with the square of the size')
})

test('an ERROR event is thrown as the Status it carries', async () => {
  const status = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old resource version: 1 (7)' }
  const frames = Buffer.from(`${JSON.stringify(event('ADDED', 'a'))}\n${JSON.stringify({ type: 'ERROR', object: status })}\n`)
  const seen: string[] = []
  await assert.rejects(
    async () => {
      for await (const { type } of readWatchEvents(inPieces(frames, 50))) seen.push(type)
    },
    (error) => error instanceof StatusError && error.reason === 'Expired' && error.code === 410,
  )
  assert.deepEqual(seen, ['ADDED'])
})

test('what is no event is refused', async () => {
  for (const bad of ['nonsense\n', '{"type":"ADDED"}\n', '{"type":"OTHER","object":{}}\n', '[]\n', '{"type":"ADDED","obj']) {
    await assert.rejects(Array.fromAsync(readWatchEvents(inPieces(Buffer.from(bad), 100))), /no JSON|no event/, bad)
  }
})
