import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { roomyBounds } from '../../test/harness/server-bounds.ts'
import type { ApiRequest } from './exchange.ts'
import { ApiListener } from './server.ts'
import { UpgradeReply } from './upgrade.ts'

const TOKEN = 'base64url.bearer.authorization.k8s.io.'

/** What the server behind the front door sees of a request: as a request, and as lines to forward. */
async function seenOf(headers: IncomingHttpHeaders): Promise<{ seen: ApiRequest; forwarded: string }> {
  const found = Promise.withResolvers<{ seen: ApiRequest; forwarded: string }>()
  const listener = new ApiListener({
    ...{ host: '127.0.0.1', port: 0, bounds: roomyBounds(), log: silentLogger() },
    handler: async (seen, reply) => {
      found.resolve({ seen, forwarded: '' })
      reply.send(200, 'text/plain', '')
    },
    upgrade: (seen, raw, socket, head) => {
      found.resolve({ seen, forwarded: raw.rawHeaders.join('\n') })
      new UpgradeReply(raw, socket, head, roomyBounds().unsent).send(400, 'text/plain', '')
    },
  })
  const url = await listener.start()
  const asked = request(url, { headers, agent: false })
  asked.end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  const result = await found.promise
  await listener.stop(Promise.resolve())
  return result
}

test('a token among the sub-protocols of a WebSocket handshake is taken out before anybody sees it', async () => {
  const protocols = [`v5.channel.k8s.io,${TOKEN}YQ`, 'v4.channel.k8s.io']
  const { seen, forwarded } = await seenOf({ connection: 'Upgrade', upgrade: 'WebSocket', 'sec-websocket-protocol': protocols.join(', ') })
  assert.deepEqual(seen.protocolTokens, ['YQ'])
  assert.equal(seen.headers['sec-websocket-protocol'], 'v5.channel.k8s.io, v4.channel.k8s.io')
  assert.match(forwarded, /Sec-WebSocket-Protocol\nv5.channel.k8s.io, v4.channel.k8s.io/)
  assert.doesNotMatch(forwarded, /bearer/)
})

test('a token that is offered alone, or twice, is told as it is, and no empty header stays', async () => {
  const alone = await seenOf({ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': `${TOKEN}YQ,${TOKEN}Yg` })
  assert.deepEqual(alone.seen.protocolTokens, ['YQ', 'Yg'])
  assert.equal(alone.seen.headers['sec-websocket-protocol'], undefined)
  assert.doesNotMatch(alone.forwarded, /bearer|protocol/i)
})

test('it counts for nothing on other requests', async () => {
  const spdy = await seenOf({ connection: 'Upgrade', upgrade: 'SPDY/3.1', 'sec-websocket-protocol': `v5,${TOKEN}YQ` })
  assert.equal(spdy.seen.protocolTokens, undefined)
  assert.doesNotMatch(spdy.forwarded, /bearer/)
  assert.equal((await seenOf({ 'sec-websocket-protocol': `v5,${TOKEN}YQ` })).seen.protocolTokens, undefined)
})
