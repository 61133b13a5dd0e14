import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { ServiceHealth } from './service-health.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('a load balancer is told by code, body and weight whether this node has endpoints', async (t) => {
  const port = await freePort()
  let isHealthy = true
  const health = new ServiceHealth({ host: '127.0.0.1', isHealthy: () => isHealthy, clock: manualClock(), onProblem: assert.fail })
  t.after(() => health.close())
  const ask = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/anything`)
    return { code: answer.status, weight: answer.headers.get('x-load-balancing-endpoint-weight'), body: await answer.text() }
  }
  health.set('default/web', { port, localEndpoints: 2 })
  assert.deepEqual(await ask(), {
    ...{ code: 200, weight: '2' },
    body: '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
  })
  health.set('default/web', { port, localEndpoints: 0 })
  assert.deepEqual([(await ask()).code, (await ask()).weight], [503, '0'])
  health.set('default/web', { port, localEndpoints: 1 })
  isHealthy = false
  assert.deepEqual([(await ask()).code, JSON.parse((await ask()).body).serviceProxyHealthy], [503, false])
  health.set('default/web', undefined)
  await assert.rejects(ask())
  health.set('default/other', { port, localEndpoints: 1 })
  isHealthy = true
  assert.equal(JSON.parse((await ask()).body).service.name, 'other', 'the port may be the next Service’s')
})

test('a port that is taken is said once, and opened when it is free', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const clock = manualClock()
  const said: string[] = []
  const problem = Promise.withResolvers<void>()
  const onProblem = (service: string, message: string) => {
    said.push(`${service}: ${message}`)
    problem.resolve()
  }
  const health = new ServiceHealth({ host: '127.0.0.1', isHealthy: () => true, clock, onProblem })
  t.after(() => health.close())
  health.set('default/web', { port, localEndpoints: 1 })
  await problem.promise
  taken.close()
  await once(taken, 'close')
  for (;;) {
    await clock.advance(5_000)
    const code = await fetch(`http://127.0.0.1:${port}/`).then(
      ({ status }) => status,
      () => undefined,
    )
    if (code === 200) break
  }
  assert.equal(said.length, 1)
  assert.match(said[0] ?? '', /^default\/web: its health cannot be served on port \d+: .*EADDRINUSE/)
})
