import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { Resolver as Client } from 'node:dns/promises'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { decode, encode, type OptAnswer, RECURSION_DESIRED } from 'dns-packet'
import { silentLogger } from '../shared/logging/logger.ts'
import { seededRandom } from '../shared/random/random.ts'
import { realClock } from '../shared/time/clock.ts'
import { overTcp, overUdp } from '../test/harness/dns-client.ts'
import { listening } from '../test/harness/dns-upstream.ts'
import { serviceOf, sliceOf, zoneOver } from '../test/harness/dns-zone.ts'
import { createOutside } from './create-outside.ts'
import { framed } from './message/framing.ts'
import { Resolver } from './resolver.ts'
import type { DnsServer } from './server.ts'

const services = [
  serviceOf('web', { clusterIP: '10.96.0.7', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] }),
  serviceOf('db', { clusterIP: 'None', ports: [{ name: 'sql', protocol: 'TCP', port: 5432, targetPort: 5432 }] }),
  serviceOf('many', { clusterIP: 'None' }),
  serviceOf('huge', { clusterIP: 'None' }),
  serviceOf('empty', { clusterIP: 'None' }),
  serviceOf('search', { type: 'ExternalName', externalName: 'search.example.com' }),
  serviceOf('alias', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
  serviceOf('lost', { type: 'ExternalName', externalName: 'nobody.default.svc.cluster.local' }),
  serviceOf('circle', { type: 'ExternalName', externalName: 'circle.default.svc.cluster.local' }),
]

const ready = { ready: true }
const slices = [
  sliceOf(
    'db',
    [
      { addresses: ['10.244.1.2'], conditions: ready, hostname: 'db-0' },
      { addresses: ['10.244.2.3'], conditions: ready },
      { addresses: ['10.244.2.4'], conditions: { ready: false } },
    ],
    [{ name: 'sql', protocol: 'TCP', port: 5432 }],
  ),
  sliceOf(
    'many',
    Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.244.3.${index + 1}`], conditions: ready })),
  ),
  sliceOf(
    'huge',
    Array.from({ length: 5_000 }, (_, index) => ({ addresses: [`10.245.${index >> 8}.${index & 255}`], conditions: ready })),
  ),
]

describe('cluster DNS, asked by a real resolver', () => {
  const zone = zoneOver(services, slices)
  const tools = { clock: realClock(), random: seededRandom(1), log: silentLogger() }
  const resolver = new Resolver({
    zone,
    outside: createOutside({ domain: 'cluster.local', own: [], resolvConf: '/nonexistent/resolv.conf' }, tools),
    ...tools,
  })
  const client = new Client({ timeout: 500, tries: 1 })
  let port = 0

  let server: DnsServer | undefined

  before(async () => {
    ;({ server, port } = await listening((message, overTcp) => resolver.answer(message, overTcp)))
    client.setServers([`127.0.0.1:${port}`])
  })
  after(() => server?.close())

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

  it('fails honestly without upstream servers', async () => {
    await failsWith(client.resolve4('example.com'), 'ESERVFAIL')
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
    const query = asking('many.default.svc.cluster.local', 9)
    const small = decode(await overUdp(port, query))
    assert.equal(small.flag_tc, true)
    // What fits is there for those who cannot ask by TCP.
    assert.equal(small.answers?.length, 29)
    const [whole] = await overTcp(port, [framed(query)])
    assert.equal(decode(whole!).answers?.length, 60)
  })

  it('gives as much in a datagram as a client says it takes, and no more than gets through', async () => {
    const many = decode(await overUdp(port, asking('many.default.svc.cluster.local', 9, 4_096)))
    assert.deepEqual([many.flag_tc, many.answers?.length], [false, 60])
    assert.deepEqual(
      many.additionals?.map((each) => 'udpPayloadSize' in each && each.udpPayloadSize),
      [1_232],
    )
    const huge = await overUdp(port, asking('huge.default.svc.cluster.local', 9, 65_000))
    assert.ok(huge.length <= 1_232 && huge.length > 1_200, `${huge.length}`)
    assert.equal(decode(huge).flag_tc, true)
    assert.ok((await overUdp(port, asking('huge.default.svc.cluster.local', 9, 5))).length > 480)
  })

  it('answers by TCP what TCP can carry', async () => {
    const [answer] = await overTcp(port, [framed(asking('huge.default.svc.cluster.local', 1))])
    assert.ok(answer!.length > 65_500)
    assert.equal(decode(answer!).flag_tc, true)
  })

  it('begins a list of addresses somewhere else each time', async () => {
    const firsts = new Set<string | undefined>()
    for (let n = 0; n < 20; n++) firsts.add((await client.resolve4('db.default.svc.cluster.local'))[0])
    assert.equal(firsts.size, 2)
  })

  it('says since when it is remembered that there is nothing', async () => {
    const { authorities } = decode(await overUdp(port, asking('nobody.default.svc.cluster.local', 1)))
    assert.deepEqual(
      authorities?.map((each) => each.type === 'SOA' && [each.name, each.ttl, each.data.minimum]),
      [['cluster.local', 5, 5]],
    )
  })

  it('follows names that go on within the cluster, and no circles', async () => {
    const alias = decode(await overUdp(port, asking('alias.default.svc.cluster.local', 1)))
    assert.deepEqual(
      alias.answers?.map((each) => 'data' in each && each.data),
      ['web.default.svc.cluster.local', '10.96.0.7'],
    )
    const lost = decode(await overUdp(port, asking('lost.default.svc.cluster.local', 1)))
    assert.deepEqual([(lost.flags ?? 0) & 0x0f, lost.answers?.length, lost.authorities?.length], [3, 1, 1])
    await failsWith(client.resolve4('circle.default.svc.cluster.local'), 'ESERVFAIL')
  })

  it('refuses what it does not do', async () => {
    const rcode = async (query: Buffer) => (await overUdp(port, query))[3]! & 0x0f
    const query = asking('web.default.svc.cluster.local', 1)
    const chaos = Buffer.from(query)
    chaos[chaos.length - 1] = 3
    assert.equal(await rcode(chaos), 5)
    const transfer = Buffer.from(query)
    transfer[transfer.length - 3] = 252
    assert.equal(await rcode(transfer), 5)
    const newer = asking('web.default.svc.cluster.local', 1, 1_232)
    newer[newer.length - 5] = 1
    const badVersion = decode(await overUdp(port, newer))
    assert.equal(badVersion.additionals?.[0]?.type === 'OPT' && badVersion.additionals[0].extendedRcode, 1)
  })

  it('answers many questions of one connection, each with its id', async () => {
    const queries = Array.from({ length: 200 }, (_, id) => asking('web.default.svc.cluster.local', id))
    const answers = await overTcp(port, [Buffer.concat(queries.map((query) => framed(query)))], 200)
    assert.deepEqual(
      answers.map((answer) => answer.readUInt16BE(0)).sort((left, right) => left - right),
      [...queries.keys()],
    )
  })

  it('ends a connection that announces more than a query can be', async () => {
    await assert.rejects(overTcp(port, [Buffer.from('ffff0000', 'hex')]), { message: 'the connection ended after 0 answers' })
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
    const [answer] = await overTcp(port, pieces)
    assert.equal(decode(answer!).id, 3)
    assert.deepEqual(await client.resolve4('web.default.svc.cluster.local'), ['10.96.0.7'])
    socket.close()
  })
})

function asking(name: string, id: number, size?: number): Buffer {
  const edns = { flags: 0, extendedRcode: 0, ednsVersion: 0, flag_do: false, options: [] }
  const opt: OptAnswer = { type: 'OPT', name: '.', udpPayloadSize: size ?? 0, ...edns }
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type: 'A', name }],
    additionals: size === undefined ? [] : [opt],
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
    const { server, port } = await listening(answer)
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
})
