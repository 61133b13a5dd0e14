import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realClock } from '../time/clock.ts'
import { connectClient } from './connect.ts'
import { SERVERS_EXTENSION } from './kubeconfig.ts'

test('of several servers in a kubeconfig one that is silent is left for one that is ready', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'connect-'))
  const started: Server[] = []
  let isStopped = false
  const start = async (name: string, mayStop: boolean) => {
    const server = createServer((_request, response) => {
      if (!mayStop || !isStopped) response.end(JSON.stringify({ name }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    started.push(server)
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const servers = [await start('a', true), await start('b', false)]
  const kubeconfig = join(folder, 'kubeconfig')
  const cluster = { server: servers[0], extensions: [{ name: SERVERS_EXTENSION, extension: { servers } }] }
  const contexts = [{ name: 'x', context: { cluster: 'x' } }]
  writeFileSync(kubeconfig, JSON.stringify({ clusters: [{ name: 'x', cluster }], contexts, 'current-context': 'x' }))
  const { client, close } = connectClient({ kubeconfig, clock: realClock(), userAgent: 'test' })
  t.after(() => {
    close()
    for (const server of started) server.close().closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  assert.deepEqual(await client.request('GET', '/'), { name: 'a' })
  isStopped = true
  assert.deepEqual(await client.request('GET', '/'), { name: 'b' })
})
