import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { realClock } from '../../shared/time/clock.ts'
import { portDialer } from '../runtime/port-dialer.ts'
import { join } from './port-forward.ts'

test('what a server sent before it hung up reaches a client that reads late', async (context) => {
  const content = Buffer.alloc(200_000, 'x')
  const server = createServer((socket) => socket.end(content)).listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const target = await portDialer(realClock()).dial('here', process.pid, port, new AbortController().signal)

  const hungUp = once(target, 'end')
  let received = 0
  const client = new Duplex({
    highWaterMark: 1_000_000,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      // Nothing is taken before the server has gone, and everybody has had time to notice.
      hungUp
        .then(() => setImmediate())
        .then(() => {
          received += chunk.length
          done()
        })
    },
  })
  // As clients do, who keep their side open until they are told that all was said.
  await join(client, target, () => client.push(null))
  assert.equal(received, content.length)
})
