import assert from 'node:assert/strict'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Container, Probe } from '../../shared/openapi/generated/core-v1.ts'
import { realClock } from '../../shared/time/clock.ts'
import { runHook } from '../containers/lifecycle-hook.ts'
import { frame } from './grpc-probe.ts'
import { runProbe } from './probe-target.ts'

const runtime = { exec: async () => 0 }

async function listen(context: TestContext, server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  context.after(() => {
    server.close()
    if ('closeAllConnections' in server) (server as unknown as { closeAllConnections(): void }).closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

function ask(probe: Probe, ports: Container['ports'] = [], timeout = 2_000) {
  const control = new AbortController()
  const timer = realClock().after(timeout, () => control.abort(new Error('timeout')))
  const container = { name: 'main', ports, resources: {} } as unknown as Container
  return runProbe(probe, { container, containerId: 'c', podIP: '127.0.0.1' }, runtime, control.signal).finally(() => timer.cancel())
}

const web = (context: TestContext, handler: RequestListener) => listen(context, createHttp(handler))

test('HTTP: status codes decide, headers and named ports arrive', async (context) => {
  let seen: Record<string, unknown> = {}
  const port = await web(context, (request, response) => {
    seen = { ...request.headers, url: request.url }
    response.statusCode = Number(new URL(request.url ?? '', 'http://x').searchParams.get('code') ?? 200)
    response.end('body')
  })
  const httpHeaders = [
    { name: 'Host', value: 'shop.example' },
    { name: 'accept', value: '' },
  ]
  const named = await ask({ httpGet: { path: '/live?code=204', port: 'web', httpHeaders } }, [{ name: 'web', containerPort: port }])
  assert.equal(named.result, 'success')
  assert.deepEqual([seen.host, seen['user-agent'], seen.accept, seen.url], ['shop.example', 'kube-probe/1.36', undefined, '/live?code=204'])
  for (const [code, result] of [
    [200, 'success'],
    [399, 'warning'],
    [400, 'failure'],
    [404, 'failure'],
    [503, 'failure'],
  ] as const) {
    assert.equal((await ask({ httpGet: { path: `/?code=${code}`, port } })).result, result, String(code))
  }
  assert.match((await ask({ httpGet: { path: '/?code=503', port } })).message, /HTTP probe failed with statuscode: 503/)
  assert.match((await ask({ httpGet: { port: 'nope' } })).message, /couldn't find port: "nope"/)
})

test('HTTP: redirects on the host are followed, others end well with a warning, loops end badly', async (context) => {
  const port = await web(context, (request, response) => {
    const to: Record<string, string> = { '/a': '/ok', '/away': 'http://elsewhere.invalid/', '/loop': '/loop' }
    const location = to[request.url ?? '']
    if (location) response.writeHead(302, { location }).end('gone')
    else if (request.url === '/unchanged') response.writeHead(304, { location: '/ok' }).end()
    else response.writeHead(request.url === '/ok' ? 200 : 500).end()
  })
  assert.equal((await ask({ httpGet: { path: '/a', port } })).result, 'success')
  const away = await ask({ httpGet: { path: '/away', port } })
  assert.deepEqual(away, { result: 'warning', message: 'Probe terminated redirects, Response body: gone' })
  assert.equal((await ask({ httpGet: { path: '/unchanged', port } })).result, 'warning')
  assert.match((await ask({ httpGet: { path: '/loop', port } })).message, /stopped after 10 redirects/)
})

test('HTTP: a path that looks like a host is a path', async (context) => {
  let seen: string | undefined
  const port = await web(context, (request, response) => {
    seen = request.url
    response.end()
  })
  assert.equal((await ask({ httpGet: { path: '//elsewhere.invalid:99999/live', port } })).result, 'success')
  assert.equal(seen, '//elsewhere.invalid:99999/live')
})

test('HTTP: silence, refusal and endless answers are dealt with', async (context) => {
  const port = await web(context, (request, response) => {
    if (request.url === '/silent') return
    const flood = () => {
      while (!response.destroyed && response.write('x'.repeat(4096)));
      response.once('drain', flood)
    }
    flood()
  })
  assert.match((await ask({ httpGet: { path: '/silent', port } }, [], 50)).message, /context deadline exceeded/)
  const flooded = await ask({ httpGet: { path: '/flood', port } })
  assert.equal(flooded.result, 'success')
  assert.equal(flooded.message.length, 10 * 1024)
  assert.match((await ask({ httpGet: { path: '/', port: 1 } })).message, /Get "http:\/\/127.0.0.1:1\/": .*ECONNREFUSED/)
})

test('TCP: somebody listens or nobody does', async (context) => {
  const port = await listen(
    context,
    createTcp((socket) => socket.end()),
  )
  assert.equal((await ask({ tcpSocket: { port } })).result, 'success')
  assert.equal((await ask({ tcpSocket: { port: 1 } })).result, 'failure')
})

test('gRPC: the health service decides', async (context) => {
  const asked: string[] = []
  const server = createHttp2()
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const service = Buffer.concat(chunks).subarray(7).toString()
      asked.push(`${headers[':path']} ${service}`)
      if (service === 'unknown')
        return stream.respond({ ':status': 200, 'grpc-status': '5', 'grpc-message': 'no such service' }, { endStream: true })
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(frame(Buffer.of(0x08, service === 'sick' ? 2 : 1)))
    })
  })
  const port = await listen(context, server)
  const check = (service: string) => ask({ grpc: { port, service } })
  assert.deepEqual(await check('x'.repeat(200)), { result: 'success', message: 'service healthy' })
  assert.match((await check('sick')).message, /unhealthy \(responded with "NOT_SERVING"\)/)
  assert.match((await check('unknown')).message, /gRPC status 5: no such service/)
  assert.equal(asked[1], '/grpc.health.v1.Health/Check sick')
  assert.equal((await ask({ grpc: { port: 1, service: '' } })).result, 'failure')
})

test('a hook over HTTP has run when it was answered, whatever the status; not when nobody answers', async (context) => {
  const agents = new Set<unknown>()
  const port = await web(context, (request, response) => {
    agents.add(request.headers['user-agent'])
    response.statusCode = Number(request.url?.slice(1))
    response.end('no')
  })
  const container = { name: 'main', resources: {} } as unknown as Container
  const run = (path: string, at = port) => {
    const subject = { container, containerId: 'c', podIP: '127.0.0.1' }
    return runHook({ httpGet: { path, port: at } }, subject, runtime, realClock(), AbortSignal.timeout(5_000))
  }
  for (const path of ['/200', '/302', '/404', '/500']) assert.equal(await run(path), undefined, path)
  assert.deepEqual([...agents], ['kube-lifecycle/1.36'])
  const closed = createTcp()
  const free = await listen(context, closed)
  await new Promise((resolve) => closed.close(resolve))
  assert.match((await run('/200', free)) ?? 'it went well', /ECONNREFUSED/)
})
