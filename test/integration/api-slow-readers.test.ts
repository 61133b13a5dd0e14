import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { startApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'
import { soon } from '../harness/soon.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const MEBIBYTE = 1024 * 1024

/** A server on a port, and raw clients that read only what they are told to. */
async function served(context: TestContext, args: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'slow-readers-'))
  const tokens = join(directory, 'tokens.csv')
  writeFileSync(tokens, 'slow,slow,1,"system:masters"\nquick,quick,2,"system:masters"\n')
  const sockets: TLSSocket[] = []
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    rmSync(directory, { recursive: true, force: true })
  })
  const api = await startApi({ listen: true, args: ['--token-file', tokens, ...args] }, context)
  const port = Number(new URL(api.server.url).port)
  const open = async (path: string, token: string, headers = '') => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    sockets.push(socket)
    socket.on('error', () => {})
    const seen = { socket, bytes: 0, text: '', isClosed: false }
    socket.on('close', () => (seen.isClosed = true))
    await once(socket, 'secureConnect')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${headers}\r\n`)
    return seen
  }
  const number = async (metric: string) =>
    Number(new RegExp(`^${metric} (\\d+)`, 'm').exec((await api.request('GET', '/metrics')).text)?.[1])
  return { api, open, number }
}

test('watches that nobody reads cost what the budget allows; the slowest are cut off, and who reads gets everything', async (t) => {
  const { api, open, number } = await served(t, ['--max-unsent-bytes', String(24 * MEBIBYTE)])
  await api.request('POST', MAPS, configMap('large'))
  const selectors = Array.from({ length: 30 }, (_, n) => `${MAPS}?watch=1&labelSelector=none${n}%21%3Dx`)
  const slow = await Promise.all(selectors.map((path) => open(path, 'slow')))
  const reader = await open(`${MAPS}?watch=1`, 'quick')
  let lines = 0
  reader.socket.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf('}\n'); at >= 0; at = chunk.indexOf('}\n', at + 1)) lines++
  })
  // The state at the beginning is the first.
  await soon(() => assert.equal(lines, 1))
  await soon(async () => assert.equal(await number('apiserver_watchers'), 31))
  const before = process.memoryUsage.rss()
  const change = { data: { count: 'x'.repeat(MEBIBYTE) } }
  for (let n = 0; n < 15; n++) {
    change.data.count = String(n).padEnd(MEBIBYTE, 'x')
    const { status } = await api.request('PUT', `${MAPS}/large`, configMap('large', change))
    assert.equal(status, 200)
    await soon(() => assert.equal(lines, n + 2))
    assert.ok((await number('apiserver_unsent_bytes')) <= 24 * MEBIBYTE)
  }
  const grown = (process.memoryUsage.rss() - before) / MEBIBYTE
  assert.ok(grown < 200, `${grown.toFixed(0)} MiB for 30 watches that are not read`)
  assert.ok((await number('apiserver_unsent_cut_off_total')) > 0)
  assert.ok((await number('apiserver_watchers')) < 31)
  assert.ok(!reader.isClosed)
  assert.equal(slow.length, 30)
})

test('watches over WebSocket are in the budget too, the half of an event that waits for its other half included', async (t) => {
  const { api, open, number } = await served(t, ['--max-unsent-bytes', String(8 * MEBIBYTE)])
  // More than the buffers of a connection take.
  for (let n = 0; n < 10; n++) await api.request('POST', MAPS, configMap(`m${n}`, { data: { text: 'x'.repeat(MEBIBYTE) } }))
  const handshake = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
  ]
  const slow = []
  for (let n = 0; n < 20; n++) {
    slow.push(await open(`${MAPS}?watch=1`, 'slow', handshake.join('\r\n')))
    await soon(async () => assert.ok((await number('apiserver_watchers')) + (await number('apiserver_unsent_cut_off_total')) === n + 1))
    assert.ok((await number('apiserver_unsent_bytes')) <= 8 * MEBIBYTE)
  }
  assert.ok((await number('apiserver_watchers')) <= 16, 'each has a mebibyte that nobody reads')
  assert.ok((await number('apiserver_unsent_bytes')) > 4 * MEBIBYTE)
  // Who reads after all gets the rest, and costs nothing any more.
  for (const { socket } of slow) socket.resume()
  await soon(async () => assert.ok((await number('apiserver_unsent_bytes')) < MEBIBYTE))
})

test('a large answer that nobody reads is cut off before another user’s', async (t) => {
  const { api, open, number } = await served(t, ['--max-unsent-bytes', String(20 * MEBIBYTE)])
  for (let n = 0; n < 8; n++) await api.request('POST', MAPS, configMap(`m${n}`, { data: { text: 'x'.repeat(MEBIBYTE - 1000) } }))
  // YAML is built as a whole.
  const path = `${MAPS}?pretty=true`
  const other = await open(path, 'quick')
  await soon(async () => assert.ok((await number('apiserver_unsent_bytes')) > 4 * MEBIBYTE))
  const greedy = [await open(path, 'slow'), await open(path, 'slow')]
  await soon(async () => assert.ok((await number('apiserver_unsent_cut_off_total')) > 0))
  let size = 0
  other.socket.on('data', (chunk: Buffer) => (size += chunk.length))
  await soon(() => assert.ok(size > 8 * MEBIBYTE - 20_000, `${size}`))
  assert.equal(greedy.length, 2)
})

test('one user may have so many watches, and long selectors count for more', async (t) => {
  const { api, open, number } = await served(t, ['--max-watches-per-user', '4'])
  const head = async (path: string, token: string) => {
    const seen = await open(path, token)
    seen.socket.on('data', (chunk: Buffer) => (seen.text += chunk.toString()))
    await soon(() => assert.match(seen.text, /^HTTP\/1\.1 \d+ /))
    return { code: Number(seen.text.slice(9, 12)), seen }
  }
  const first = await head(`${MAPS}?watch=1`, 'slow')
  assert.equal(first.code, 200)
  for (let n = 0; n < 3; n++) assert.equal((await head(`${MAPS}?watch=1`, 'slow')).code, 200)
  const fifth = await head(`${MAPS}?watch=1`, 'slow')
  assert.equal(fifth.code, 429)
  assert.match(fifth.seen.text, /retry-after: 10/i)
  assert.match(fifth.seen.text, /"slow\\" has too many watches open: 4 at most/)
  const long = encodeURIComponent(`a in (${Array.from({ length: 400 }, (_, n) => `v${n}`.padEnd(50, 'x')).join(',')})`)
  assert.equal((await head(`${MAPS}?watch=1&labelSelector=${long}`, 'quick')).code, 429)
  first.seen.socket.destroy()
  await soon(async () => assert.equal(await number('apiserver_watchers'), 3))
  assert.equal((await head(`${MAPS}?watch=1`, 'slow')).code, 200)
  assert.equal((await api.request('GET', MAPS)).status, 200)
})
