import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../metrics/metrics.ts'
import { createHealthServer } from './health-server.ts'

test('the four paths answer, and a failed check is named', async (t) => {
  const metrics = new Metrics()
  metrics.counter('things_total', 'Things.').add(2, { kind: 'a"b' })
  let problem: string | undefined = 'caches are not filled'
  const server = createHealthServer(
    { host: '127.0.0.1', port: 0 },
    { metrics, live: { loop: () => undefined }, ready: { caches: () => problem } },
  )
  const port = await server.start()
  t.after(() => server.stop())
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { code: response.status, body: await response.text() }
  }
  assert.deepEqual(await get('/healthz'), { code: 200, body: 'ok' })
  const unready = await get('/readyz')
  assert.equal(unready.code, 500)
  assert.match(unready.body, /\[\+\]loop ok\n\[-\]caches failed: caches are not filled/)
  problem = undefined
  assert.deepEqual(await get('/readyz'), { code: 200, body: 'ok' })
  assert.match((await get('/livez?verbose')).body, /\[\+\]loop ok/)
  assert.match((await get('/metrics')).body, /^# TYPE things_total counter\nthings_total\{kind="a\\"b"\} 2$/m)
  assert.equal((await get('/other')).code, 404)
  await assert.rejects(createHealthServer({ host: '127.0.0.1', port }, { metrics }).start(), /EADDRINUSE/)
})

test('a path may have words and a code of its own; the others stay', async (t) => {
  let code = 503
  const answers = { '/healthz': () => ({ code, body: '{"lastUpdated":null}' }) }
  const server = createHealthServer({ host: '127.0.0.1', port: 0 }, { metrics: new Metrics(), answers })
  const port = await server.start()
  t.after(() => server.stop())
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const unhealthy = await ask('/healthz')
  assert.deepEqual(
    [unhealthy.status, unhealthy.headers.get('content-type'), await unhealthy.text()],
    [503, 'application/json', '{"lastUpdated":null}'],
  )
  code = 200
  assert.equal((await ask('/healthz?verbose')).status, 200)
  assert.equal(await (await ask('/livez')).text(), 'ok')
})
