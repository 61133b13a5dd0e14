import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { StreamScope } from '../../shared/streams/stream-scope.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import type { Call } from '../verbs/call.ts'
import { dialRule, type ResolveName } from './dialable-address.ts'
import { proxyTo } from './http-proxy.ts'
import { KubeletConnections } from './kubelet-connection.ts'

const SERVICES = ['10.96.0.0/16']

test('machines and pods are dialled', () => {
  const rule = dialRule(SERVICES)
  for (const host of ['10.244.0.7', '172.28.0.4', '192.168.1.1', '10.97.0.1', 'fd00::7', '2a00:1450::1', '::ffff:10.244.0.7', 'node-1']) {
    assert.equal(rule.problem(host), undefined, host)
    rule.require(host)
  }
})

const refused: [host: string, why: RegExp][] = [
  ['127.0.0.1', /loopback/],
  ['127.8.8.8', /loopback/],
  ['::1', /loopback/],
  ['::ffff:127.0.0.1', /loopback/],
  ['::ffff:7f00:1', /loopback/],
  ['0.0.0.0', /unspecified/],
  ['::', /unspecified/],
  ['::ffff:0.0.0.0', /unspecified/],
  ['169.254.169.254', /link-local/],
  ['::ffff:169.254.169.254', /link-local/],
  ['fe80::1', /link-local/],
  ['fe80::1%lo', /link-local/],
  ['224.0.0.1', /multicast/],
  ['239.1.2.3', /multicast/],
  ['ff00::', /multicast/],
  ['ff02::1', /multicast/],
  ['255.255.255.255', /broadcast/],
  ['64:ff9b::7f00:1', /IPv6 form of an IPv4/],
  ['2002:7f00:1::', /IPv6 form of an IPv4/],
  ['10.96.0.1', /range of Services \(10\.96\.0\.0\/16\)/],
  ['::ffff:10.96.0.10', /range of Services/],
]
test('what stands for something else here than where it was written is not', () => {
  const rule = dialRule(SERVICES)
  for (const [host, why] of refused) {
    assert.match(rule.problem(host) ?? 'dialled', why, host)
    assert.throws(() => rule.require(host), { code: 400, message: why }, host)
  }
})

test('ranges that ServiceCIDRs add are Services’, too', () => {
  const furtherRangeOf = (host: string) => (IpRange.parse('10.98.0.0/24')?.holds(host) ? '10.98.0.0/24' : undefined)
  const rule = dialRule(SERVICES, { furtherRangeOf })
  for (const host of ['10.98.0.7', '::ffff:10.98.0.7']) {
    assert.equal(rule.problem(host), 'may not be in the range of Services (10.98.0.0/24)', host)
  }
  assert.equal(rule.problem('10.98.1.7'), undefined)
})

const resolving =
  (answers: Record<string, string[]>): ResolveName =>
  (name, done) => {
    const found = answers[name]
    if (found)
      done(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    else done(new Error(`getaddrinfo ENOTFOUND ${name}`), [])
  }

/** A server on loopback, and how often it was reached. */
async function victim(context: TestContext) {
  let reached = 0
  const server = createServer((_request, response) => {
    reached += 1
    response.end('secret')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  context.after(() => server.closeAllConnections())
  context.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, reached: () => reached }
}

const scope = () => new StreamScope('test', silentLogger())

/** A proxied GET, as far as the proxy looks at it. */
function proxied(): Call {
  const request = { url: '/api/v1/namespaces/ns/pods/web/proxy/', method: 'GET', headers: {}, openBody: () => Readable.from([]) }
  return { info: { rest: '' }, request, reply: { onClose() {}, send() {} } } as unknown as Call
}

test('neither an address nor a name leads a proxied request to this server’s own loopback', async (context) => {
  const { port, reached } = await victim(context)
  const rule = dialRule(SERVICES, { resolve: resolving({ sly: ['127.0.0.1'], both: ['192.0.2.1', '::1'] }) })
  for (const host of ['127.0.0.1', '::ffff:127.0.0.1', 'sly', 'both']) {
    await assert.rejects(
      proxyTo({ scheme: 'http', host, port }, proxied(), { rule, scope: scope() }),
      /address not allowed|not allowed/,
      host,
    )
  }
  assert.equal(reached(), 0)
})

test('nor a connection to a kubelet', async (context) => {
  const { port, reached } = await victim(context)
  const rule = dialRule(SERVICES, { resolve: resolving({ sly: ['127.0.0.1'] }) })
  const credentials = () => ({ authority: '', certificate: '', key: '' })
  const kubelets = new KubeletConnections(new TestReader(), credentials, rule)
  context.after(() => kubelets.close())
  const { signal } = new AbortController()
  for (const host of ['127.0.0.1', '::1', 'sly']) {
    const address = { node: 'a', host, port }
    await assert.rejects(async () => kubelets.dial(address, scope()), /not allowed/, host)
    await assert.rejects(async () => kubelets.get(address, '/pods', { signal }), /not allowed/, host)
  }
  assert.equal(reached(), 0)
})
