import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { Resolver as Client } from 'node:dns/promises'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { decode, encode } from 'dns-packet'
import { silentLogger } from '../shared/logging/logger.ts'
import type { Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { realClock } from '../shared/time/clock.ts'
import { Resolver } from './resolver.ts'
import { DnsServer } from './server.ts'
import { framed, MOST_FORWARDED, Upstream } from './upstream.ts'
import { Zone } from './zone.ts'

const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec,
  status: { loadBalancer: {} },
})

const services = [
  service('web', { clusterIP: '10.96.0.7', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] }),
  service('db', { clusterIP: 'None', ports: [{ name: 'sql', protocol: 'TCP', port: 5432, targetPort: 5432 }] }),
  service('many', { clusterIP: 'None' }),
  service('empty', { clusterIP: 'None' }),
  service('search', { type: 'ExternalName', externalName: 'search.example.com' }),
]

const slice = (name: string, endpoints: EndpointSlice['endpoints'], port: number): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: name === 'db' ? 'sql' : '', protocol: 'TCP', port }],
})

const slices = [
  slice(
    'db',
    [
      { addresses: ['10.244.1.2'], conditions: { ready: true }, hostname: 'db-0' },
      { addresses: ['10.244.2.3'], conditions: { ready: true } },
      { addresses: ['10.244.2.4'], conditions: { ready: false } },
    ],
    5432,
  ),
  slice(
    'many',
    Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.244.3.${index + 1}`], conditions: { ready: true } })),
    80,
  ),
]

describe('cluster DNS, asked by a real resolver', () => {
  let ready = true
  const zone = new Zone('cluster.local', {
    service: (namespace, name) => (namespace === 'default' ? services.find((each) => each.metadata.name === name) : undefined),
    slices: (_namespace, name) => slices.filter((each) => each.metadata.labels?.['kubernetes.io/service-name'] === name),
    serviceOfAddress: (address) => services.find((each) => each.spec.clusterIP === address),
    slicesOfAddress: (address) => slices.filter((each) => each.endpoints?.some(({ addresses }) => addresses.includes(address))),
    hasNamespace: (name) => name === 'default',
  })
  const resolver = new Resolver({
    zone,
    upstream: new Upstream(async () => [], realClock()),
    ready: () => ready,
    domain: 'cluster.local',
    log: silentLogger(),
  })
  const server = new DnsServer((message, overTcp) => resolver.answer(message, overTcp), silentLogger())
  const client = new Client({ timeout: 500, tries: 1 })
  let port = 0

  before(async () => {
    port = (await server.listen('127.0.0.1', 0)).port
    client.setServers([`127.0.0.1:${port}`])
  })
  after(() => server.close())

  const failsWith = (promise: Promise<unknown>, code: string) => assert.rejects(promise, { code })

  it('answers a Service with its cluster IP, whatever the case of the name', async () => {
    assert.deepEqual(await client.resolve4('web.default.svc.cluster.local'), ['10.96.0.7'])
    assert.deepEqual(await client.resolve4('WEB.Default.svc.cluster.LOCAL'), ['10.96.0.7'])
  })

  it('answers a headless Service with its ready endpoints, and each by its own name', async () => {
    assert.deepEqual((await client.resolve4('db.default.svc.cluster.local')).sort(), ['10.244.1.2', '10.244.2.3'])
    assert.deepEqual(await client.resolve4('db-0.db.default.svc.cluster.local'), ['10.244.1.2'])
    assert.deepEqual(await client.resolve4('10-244-2-3.db.default.svc.cluster.local'), ['10.244.2.3'])
  })

  it('answers SRV for named ports', async () => {
    const [http] = await client.resolveSrv('_http._tcp.web.default.svc.cluster.local')
    assert.deepEqual([http?.name, http?.port], ['web.default.svc.cluster.local', 80])
    const targets = (await client.resolveSrv('_sql._tcp.db.default.svc.cluster.local')).map(({ name, port: number }) => `${name}:${number}`)
    assert.deepEqual(targets.sort(), ['10-244-2-3.db.default.svc.cluster.local:5432', 'db-0.db.default.svc.cluster.local:5432'])
  })

  it('answers PTR for cluster IPs and endpoints', async () => {
    assert.deepEqual(await client.reverse('10.96.0.7'), ['web.default.svc.cluster.local'])
    assert.deepEqual(await client.reverse('10.244.1.2'), ['db-0.db.default.svc.cluster.local'])
  })

  it('tells no such name from nothing of that type', async () => {
    await failsWith(client.resolve4('nobody.default.svc.cluster.local'), 'ENOTFOUND')
    await failsWith(client.resolve4('web.elsewhere.svc.cluster.local'), 'ENOTFOUND')
    await failsWith(client.resolve4('empty.default.svc.cluster.local'), 'ENOTFOUND')
    await failsWith(client.resolve6('web.default.svc.cluster.local'), 'ENODATA')
    await failsWith(client.resolveSrv('_ftp._tcp.web.default.svc.cluster.local'), 'ENOTFOUND')
  })

  it('says a pod name back as its address, and refuses what is none', async () => {
    assert.deepEqual(await client.resolve4('10-244-9-9.default.pod.cluster.local'), ['10.244.9.9'])
    await failsWith(client.resolve4('10-244-9-999.default.pod.cluster.local'), 'ENOTFOUND')
  })

  it('gives the alias of an ExternalName even when the target cannot be asked for', async () => {
    assert.deepEqual(await client.resolveCname('search.default.svc.cluster.local'), ['search.example.com'])
  })

  it('fails honestly without upstream servers, and before it knows the cluster', async () => {
    await failsWith(client.resolve4('example.com'), 'ESERVFAIL')
    ready = false
    await failsWith(client.resolve4('nobody.default.svc.cluster.local'), 'ESERVFAIL')
    ready = true
  })

  it('refuses queries of many names at once without reading them', async () => {
    const head = encode({ type: 'query', id: 5, questions: [{ type: 'A', name: Array(120).fill('a').join('.') }] })
    const pointers = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from('c00c00010001', 'hex')))
    const message = Buffer.concat([head, pointers])
    message.writeUInt16BE(4001, 4)
    const start = process.cpuUsage()
    const answer = await resolver.answer(message, true)
    assert.equal(answer!.readUInt16BE(0), 5)
    assert.equal(answer![3]! & 0x0f, 1)
    assert.ok(process.cpuUsage(start).user < 50_000)
  })

  it('sends what does not fit a datagram over TCP', async () => {
    const question = { type: 'A', name: 'many.default.svc.cluster.local' } as const
    const query = encode({ type: 'query', id: 9, questions: [question] })
    const small = decode(await overUdp(port, query))
    assert.equal(small.flag_tc, true)
    assert.equal(small.answers?.length, 0)
    const whole = decode(await overTcp(port, [query]))
    assert.equal(whole.answers?.length, 60)
  })

  it('survives garbage, and answers over TCP in however small pieces', async () => {
    const socket = createSocket('udp4')
    for (const bytes of [
      Buffer.alloc(3),
      Buffer.alloc(40, 0xff),
      Buffer.concat([Buffer.alloc(4), Buffer.from([0, 1]), Buffer.alloc(30, 0x3f)]),
    ])
      socket.send(bytes, port, '127.0.0.1')
    const query = encode({ type: 'query', id: 3, questions: [{ type: 'A', name: 'web.default.svc.cluster.local' }] })
    const pieces = Array.from(framed(query), (byte) => Buffer.from([byte]))
    const answer = decode(await overTcp(port, pieces, false))
    assert.equal(answer.id, 3)
    assert.deepEqual(await client.resolve4('web.default.svc.cluster.local'), ['10.96.0.7'])
    socket.close()
  })
})

function overUdp(port: number, query: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.on('error', reject)
    socket.on('message', (message) => {
      socket.close()
      resolve(message)
    })
    socket.send(query, port, '127.0.0.1')
  })
}

function overTcp(port: number, pieces: Buffer[], frame = true): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      socket.destroy()
      resolve(received.subarray(2))
    })
    for (const piece of pieces) socket.write(frame ? framed(piece) : piece)
  })
}

describe('clients that only take', () => {
  it('by TCP: who asks and does not read is not answered further, and gets everything when it reads', async (context) => {
    const [queries, size] = [600, 60_000]
    let asked = 0
    const answer = async () => {
      asked++
      return Buffer.alloc(size)
    }
    const server = new DnsServer(answer, silentLogger())
    const { port } = await server.listen('127.0.0.1', 0)
    context.after(() => server.close())
    const socket = connect(port, '127.0.0.1').pause()
    context.after(() => socket.destroy())
    for (let n = 0; n < queries; n++) socket.write(framed(Buffer.alloc(12)))
    for (let quiet = 0, last = -1; quiet < 300; quiet = asked === last && asked > 0 ? quiet + 1 : 0, last = asked) await setImmediate()
    // What the kernel's buffers hold, and a few.
    assert.ok(asked < queries / 2, `${asked} answers are kept for a client that reads none`)
    let received = 0
    for await (const chunk of socket) if ((received += (chunk as Buffer).length) === queries * (size + 2)) break
    assert.equal(asked, queries)
  })

  it('by asking for names outside: no more wait for upstream servers at a time than sockets are for', async () => {
    const silent = Promise.withResolvers<string[]>()
    const upstream = new Upstream(() => silent.promise, realClock())
    const ask = () => upstream.forward(Buffer.alloc(12), false)
    const waiting = Array.from({ length: MOST_FORWARDED }, ask)
    await assert.rejects(ask(), { name: 'UpstreamError', message: /1000 queries wait/ })
    silent.resolve([])
    for (const one of await Promise.allSettled(waiting)) assert.equal(one.status, 'rejected')
    await assert.rejects(ask(), { message: 'there is no upstream server' })
  })
})
