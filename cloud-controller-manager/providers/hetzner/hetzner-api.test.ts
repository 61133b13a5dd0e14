import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { realClock } from '../../../shared/time/clock.ts'
import { HetznerCloud } from '../../../test/harness/hetzner-cloud.ts'
import { TryLater } from '../../provider.ts'
import { HetznerApi, HetznerError } from './hetzner-api.ts'
import { parseServer } from './server.ts'

const signal = new AbortController().signal
const clock = realClock()

/** The cloud behind a real socket. */
async function overHttp(context: TestContext, cloud: HetznerCloud): Promise<string> {
  const server = createServer((request, reply) => {
    const headers = { authorization: request.headers.authorization ?? '' }
    void cloud.send(`http://cloud${request.url}`, { method: request.method ?? 'GET', headers }).then(async (answer) => {
      reply.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

test('a list of many pages is read to its end, over real sockets', async (context) => {
  const cloud = new HetznerCloud({ clock })
  for (let index = 0; index < 120; index++) cloud.addServer(`worker-${index}`)
  const endpoint = await overHttp(context, cloud)
  const api = new HetznerApi({ endpoint, token: { value: cloud.token }, send: fetch, clock })
  const servers = await api.list('/servers', 'servers', {}, parseServer, signal)
  assert.equal(new Set(servers.map(({ id }) => id)).size, 120)
  assert.equal(cloud.requests.length, 3)
})

test('a token that was replaced in its file is read again; a wrong one is refused, and never quoted', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'token-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, 'first-token\n')
  const cloud = new HetznerCloud({ clock, token: 'first-token' })
  cloud.addServer('worker-1')
  const endpoint = await overHttp(context, cloud)
  const api = new HetznerApi({ endpoint, token: { file }, send: fetch, clock })
  const ask = () => api.list('/servers', 'servers', {}, parseServer, signal)
  assert.equal((await ask()).length, 1)
  cloud.token = 'second-token'
  await assert.rejects(
    ask(),
    (error) => error instanceof HetznerError && error.status === 401 && !String(error.stack).includes('first-token'),
  )
  writeFileSync(file, 'second-token')
  assert.equal((await ask()).length, 1)
  rmSync(file)
  cloud.token = 'third-token'
  await assert.rejects(ask(), (error) => error instanceof Error && error.message.includes(file))
})

test('what cannot be reached, or answers nonsense, is later; what is no answer is an error', async () => {
  const answering = (send: () => Promise<Response>) => new HetznerApi({ endpoint: 'http://cloud/v1', token: { value: 't' }, send, clock })
  const ask = (send: () => Promise<Response>) => answering(send).list('/servers', 'servers', {}, parseServer, signal)
  await assert.rejects(
    ask(() => Promise.reject(new TypeError('fetch failed'))),
    (error) => error instanceof TryLater && /GET \/servers at http:\/\/cloud\/v1: fetch failed/.test(error.message),
  )
  await assert.rejects(
    ask(async () => new Response('<html>', { status: 502 })),
    TryLater,
  )
  await assert.rejects(
    ask(async () => Response.json({ servers: {} })),
    /holds no list/,
  )
  await assert.rejects(
    ask(async () => Response.json({ servers: [{ id: 'x' }] })),
    /no number id/,
  )
  await assert.rejects(
    ask(async () => Response.json([])),
    /is no object/,
  )
  let pages = 0
  const endless = async () => Response.json({ servers: [], meta: { pagination: { next_page: ++pages + 1 } } })
  await assert.rejects(ask(endless), /does not end/)
})
