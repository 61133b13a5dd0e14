import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectClient } from '../../shared/client/connect.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { realClock } from '../../shared/time/clock.ts'
import { apiServerProcess } from '../harness/apiserver-process.ts'

test('a server with a damaged store says so and does not start; asked to, it shows what is sound and takes nothing', async (t) => {
  const server = await apiServerProcess()
  t.after(() => server.remove())
  await server.start()
  const { client, close } = connectClient({ kubeconfig: server.kubeconfig, clock: realClock(), userAgent: 'damage test' })
  t.after(close)
  for (let n = 0; n < 50; n++) {
    const data = { text: `${n}`.repeat(500) }
    await client.create('v1', 'ConfigMap', { metadata: { name: `kept-${n}`, namespace: 'default' }, data })
  }
  await server.kill('SIGTERM')
  // Starting once more makes a table of the log.
  await server.start()
  await server.kill('SIGTERM')
  const store = join(server.directory, 'store')
  const table = readdirSync(store).filter((name) => name.endsWith('.ldb'))[0]
  assert.ok(table, 'there is a table')
  const path = join(store, table)
  const bytes = readFileSync(path)
  const middle = Math.floor(statSync(path).size / 2)
  bytes[middle] = bytes[middle]! ^ 1
  writeFileSync(path, bytes)

  await assert.rejects(server.start(), /is damaged: in its file \d+\.ldb, its block at \d+ is not what was written; restore the directory/)
  await server.start(['--open-damaged-store=true'])
  const { items } = await client.list('v1', 'ConfigMap', { namespace: 'default' })
  for (const { metadata, data } of items) {
    const [, n] = /^kept-(\d+)$/.exec(metadata.name ?? '') ?? []
    if (n !== undefined) assert.equal(data?.['text'], n.repeat(500))
  }
  assert.ok(items.length > 10, `${items.length} are left`)
  await assert.rejects(client.create('v1', 'ConfigMap', { metadata: { name: 'more', namespace: 'default' } }), (error) =>
    hasReason(error, 'ServiceUnavailable'),
  )
})
