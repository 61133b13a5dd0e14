import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { answerUnreadable } from './client-error.ts'

test('a peer that does not read why its request was none is not waited for', async (context) => {
  const server = createServer().listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  context.after(() => peer.destroy())
  const [socket]: Socket[] = await once(server, 'connection')
  // Until the machine takes no more of it.
  while (socket!.write(Buffer.alloc(64 * 1024)));
  answerUnreadable(Object.assign(new Error('Invalid character in chunk size'), { code: 'HPE_INVALID_CHUNK_SIZE' }), socket!, undefined, 100)
  assert.equal(socket!.destroyed, false)
  await once(socket!, 'close', { signal: AbortSignal.timeout(10_000) })
})
