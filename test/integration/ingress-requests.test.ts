import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ingressBench, rule } from '../harness/ingress-bench.ts'
import { ask } from '../harness/ingress-client.ts'
import { soon } from '../harness/soon.ts'

test('a request for a host reaches a Pod, which hears where it came from and nothing that the client made up', async (t) => {
  const bench = await ingressBench(t)
  const pod = await bench.pod((request, response) => {
    response
      .setHeader('x-pod', 'yes')
      .setHeader('set-cookie', ['a=1', 'b=2'])
      .end(JSON.stringify({ url: request.url, headers: request.headers }))
  })
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  const { http } = bench.ingress.ports
  const spoofed = {
    'x-forwarded-for': '1.2.3.4',
    x_forwarded_for: '1.2.3.4',
    'x-real-ip': '1.2.3.4',
    forwarded: 'for=1.2.3.4',
    'x-forwarded-proto': 'https',
  }
  const headers = { ...spoofed, connection: 'x-hop', 'x-hop': '1', te: 'gzip', 'proxy-authorization': 'x', 'x-mine': 'kept' }
  await soon(async () => assert.equal((await ask({ port: http })).status, 200))
  const answer = await ask({ port: http, host: 'WEB.example.com:8080', path: '/a/b?c=d', headers })
  assert.equal(answer.headers['x-pod'], 'yes')
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
  const seen = JSON.parse(answer.text)
  assert.equal(seen.url, '/a/b?c=d')
  assert.deepEqual(seen.headers, {
    ...{ host: 'WEB.example.com:8080', 'x-mine': 'kept', connection: 'keep-alive' },
    ...{ 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-forwarded-proto': 'http' },
    ...{ 'x-forwarded-host': 'WEB.example.com:8080', 'x-forwarded-port': String(http) },
  })
})
