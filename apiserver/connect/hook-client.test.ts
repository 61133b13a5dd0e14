import assert from 'node:assert/strict'
import { lookup } from 'node:dns'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { type HookServer, hookServer, serverPapers } from '../../test/harness/hook-server.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import { type DialRule, dialRule } from './dialable-address.ts'
import { HookClient } from './hook-client.ts'

const anywhere: DialRule = { problem: () => undefined, require: () => {}, lookup }
const host = '127.0.0.1'
const papers = await serverPapers({ dns: ['hook.ns.svc'], ip: [host] })
const question = { body: '{"a":1}', timeout: 20_000, answerBytes: 1000 }
const service = { namespace: 'ns', name: 'hook' }

async function scene(context: TestContext, listener: RequestListener, rule = anywhere) {
  const reader = new TestReader()
  const client = new HookClient({ reader, rule, random: systemRandom(), clock: realClock() })
  const server = await hookServer(papers, listener, { host })
  context.after(() => {
    client.close()
    server.close()
  })
  return { client, server, reader, url: `https://${host}:${server.port}/hook` }
}

function serve(reader: TestReader, places: readonly Pick<HookServer, 'host' | 'port'>[]): void {
  reader.put('v1', 'Service', { metadata: service, spec: { ports: [{ port: 443, protocol: 'TCP' }] } })
  for (const [index, { host: address, port }] of places.entries()) {
    reader.put('discovery.k8s.io/v1', 'EndpointSlice', {
      metadata: { namespace: 'ns', name: `hook-${index}`, labels: { 'kubernetes.io/service-name': 'hook' } },
      addressType: 'IPv4',
      ports: [{ port }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    })
  }
}

const answering =
  (answer: (request: IncomingMessage, said: unknown) => object): RequestListener =>
  (request, response) =>
    void json(request).then((said) => response.end(JSON.stringify(answer(request, said))))

test('asks a URL, and a Service under its name at a ready endpoint, over connections that are kept', async (context) => {
  const { client, server, reader, url } = await scene(
    context,
    answering(({ url: path, headers }, said) => ({ path, said, host: headers.host })),
  )
  const { caBundle } = server
  const asked = await client.post({ url, caBundle }, { ...question, timeout: 1500 })
  assert.deepEqual(asked, { path: '/hook?timeout=2s', said: { a: 1 }, host: `${host}:${server.port}` })
  serve(reader, [server])
  for (let time = 0; time < 3; time++) {
    const again = await client.post({ service: { ...service, path: '/a/b' }, caBundle }, question)
    assert.deepEqual(again, { path: '/a/b?timeout=20s', said: { a: 1 }, host: 'hook.ns.svc' })
  }
  assert.equal(server.connections, 2)
})

test('asks the next endpoint where nobody listens', async (context) => {
  const { client, server, reader } = await scene(
    context,
    answering(() => ({})),
  )
  const deaf = await hookServer(papers, () => {}, { host })
  deaf.close()
  serve(reader, [deaf, server, deaf])
  for (let time = 0; time < 8; time++) assert.deepEqual(await client.post({ service, caBundle: server.caBundle }, question), {})
})

test('says what is missing of a Service', async (context) => {
  const { client, server, reader } = await scene(context, () => {})
  const { caBundle } = server
  const asked = () => client.post({ service, caBundle }, question)
  const where = 'Post "https://hook.ns.svc:443/?timeout=20s": '
  await assert.rejects(asked(), { message: `${where}service "hook" not found` })
  serve(reader, [])
  await assert.rejects(asked(), { message: `${where}no endpoints available for service "hook"` })
  const other = client.post({ service: { ...service, port: 8443 }, caBundle }, question)
  await assert.rejects(other, /no service port 8443 found for service "hook"/)
})

test('trusts the given authorities alone, and only under the name of the Service', async (context) => {
  const { client, server, reader, url } = await scene(
    context,
    answering(() => ({})),
  )
  const other = await serverPapers({ ip: [host] })
  const foreign = Buffer.from(other.authority).toString('base64')
  await assert.rejects(client.post({ url, caBundle: foreign }, question), /certificate signed by unknown authority/)
  await assert.rejects(client.post({ url }, question), /certificate signed by unknown authority/)
  serve(reader, [server])
  reader.put('v1', 'Service', { metadata: { namespace: 'ns', name: 'other' }, spec: { ports: [{ port: 443, protocol: 'TCP' }] } })
  reader.put('discovery.k8s.io/v1', 'EndpointSlice', {
    metadata: { namespace: 'ns', name: 'other', labels: { 'kubernetes.io/service-name': 'other' } },
    addressType: 'IPv4',
    ports: [{ port: server.port }],
    endpoints: [{ addresses: [host], conditions: {} }],
  })
  const borrowed = client.post({ service: { namespace: 'ns', name: 'other' }, caBundle: server.caBundle }, question)
  await assert.rejects(borrowed, /other\.ns\.svc/)
})

const strangers: [what: string, answer: (response: ServerResponse) => void, why: RegExp][] = [
  ['hangs', () => {}, /context deadline exceeded/],
  ['begins and hangs', (response) => response.write('{'), /context deadline exceeded/],
  [
    'sends without end',
    (response) =>
      void setImmediate(function more() {
        response.write('[[[') ? setImmediate(more) : response.once('drain', more)
      }),
    /more than 1000 bytes/,
  ],
  ['sends too much', (response) => response.end(JSON.stringify('x'.repeat(2000))), /more than 1000 bytes/],
  ['redirects', (response) => response.writeHead(302, { location: 'https://169.254.169.254/' }).end(), /redirects are not followed/],
  ['sends no JSON', (response) => response.end('yes'), /json/i],
  ['sends nothing', (response) => response.end(), /unexpected end of JSON input/],
  ['hangs up', (response) => response.destroy(), /socket hang up|reset/],
]
for (const [what, answer, why] of strangers) {
  test(`bears a server that ${what}`, async (context) => {
    const { client, server, url } = await scene(context, (_request, response) => answer(response))
    const timeout = why.source.includes('deadline') ? 300 : question.timeout
    await assert.rejects(client.post({ url, caBundle: server.caBundle }, { ...question, timeout }), why)
  })
}

test('tells what the server answered instead of success', async (context) => {
  const { client, server, url } = await scene(context, ({ method }, response) => response.writeHead(503).end(`no ${method}`))
  const asked = client.post({ url, caBundle: server.caBundle }, question)
  await assert.rejects(asked, (error) => error instanceof StatusError && error.code === 503 && /no POST/.test(error.message))
})

test('dials no address that the rule forbids', async (context) => {
  const { client, server, reader, url } = await scene(
    context,
    answering(() => ({})),
    dialRule(['10.96.0.0/16']),
  )
  const { caBundle } = server
  await assert.rejects(client.post({ url, caBundle }, question), /address not allowed: 127\.0\.0\.1/)
  await assert.rejects(client.post({ url: `https://localhost:${server.port}`, caBundle }, question), /address not allowed: localhost/)
  await assert.rejects(client.post({ url: 'https://10.96.0.10/', caBundle }, question), /range of Services/)
  serve(reader, [server])
  await assert.rejects(client.post({ service, caBundle }, question), /address not allowed: 127\.0\.0\.1/)
  assert.equal(server.connections, 0)
})
