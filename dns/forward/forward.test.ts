import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { decode, encode } from 'dns-packet'
import type { Logger } from '../../shared/logging/logger.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { Metrics } from '../../shared/metrics/metrics.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { address, type OutsideServer, outsideServer, startOfAuthority } from '../../test/harness/dns-upstream.ts'
import { serviceOf, zoneOver } from '../../test/harness/dns-zone.ts'
import { parseConfiguration } from '../configuration/configuration.ts'
import { createOutside } from '../create-outside.ts'
import { dnsMetrics } from '../dns-metrics.ts'
import type { Outside } from '../outside.ts'
import { withQueryLog } from '../query-log.ts'
import { Resolver } from '../resolver.ts'
import { MOST_FORWARDED } from './forwarder.ts'

/** The machine's clock, `ahead` milliseconds later, so that what is kept grows old without anybody waiting; who waits does so for `1 / hurry` of the time. */
function shiftedClock(): Clock & { ahead: number; hurry: number } {
  const clock = realClock()
  const shift = { ahead: 0, hurry: 1 }
  return Object.assign(shift, {
    ...clock,
    monotonic: () => clock.monotonic() + shift.ahead,
    after: (delay: number, action: () => void) => clock.after(delay / shift.hurry, action),
  })
}
let shifted = shiftedClock()

interface Asker {
  ask(
    name: string,
    options?: { type?: 'A' | 'AAAA' | 'TXT'; overTcp?: boolean; size?: number },
  ): Promise<ReturnType<typeof decode> & { code: number; bytes: number }>
  resolver: Resolver
  outside: Outside
  lines: [string, Record<string, unknown>][]
  metrics: Metrics
  resolvConf(text: string): void
}

/** A resolver whose node has these servers. */
function asker(context: TestContext, servers: readonly (OutsideServer | string)[], options: { own?: string[]; log?: Logger } = {}): Asker {
  shifted = shiftedClock()
  const folder = mkdtempSync(join(tmpdir(), 'coxswain-dns-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'resolv.conf')
  const resolvConf = (text: string) => writeFileSync(file, text)
  resolvConf(`search Corp.Example\n${servers.map((each) => `nameserver ${typeof each === 'string' ? each : each.address}\n`).join('')}`)
  const tools = { clock: shifted, random: systemRandom(), log: options.log ?? silentLogger() }
  const metrics = new Metrics()
  const counts = dnsMetrics(metrics)
  const outside = createOutside({ domain: 'cluster.local', own: options.own ?? [], resolvConf: file, counts }, tools)
  const lines: Asker['lines'] = []
  const observer = withQueryLog(
    counts,
    { ...silentLogger(), info: (message, fields = {}) => void lines.push([message, fields]) },
    () => true,
  )
  const services = [serviceOf('search', { type: 'ExternalName', externalName: 'www.example.com' })]
  const resolver = new Resolver({ zone: zoneOver(services, []), outside, observer, ...tools })
  return {
    ...{ resolver, outside, lines, metrics },
    resolvConf,
    async ask(name, { type = 'A', overTcp = true, size } = {}) {
      const opt =
        size === undefined
          ? []
          : [
              {
                type: 'OPT' as const,
                name: '.',
                udpPayloadSize: size,
                flags: 0,
                extendedRcode: 0,
                ednsVersion: 0,
                flag_do: false,
                options: [],
              },
            ]
      const answer = await resolver.answer(
        encode({ type: 'query', id: 4_242, flags: 0x0100, questions: [{ type, name }], additionals: opt }),
        overTcp,
        '10.244.1.2',
      )
      assert.equal(answer?.readUInt16BE(0), 4_242)
      return { ...decode(answer!), code: answer![3]! & 0x0f, bytes: answer!.length }
    },
  }
}

const data = (packet: ReturnType<typeof decode>) => packet.answers?.map((each) => ('data' in each ? each.data : undefined))
/** Questions but for probes. */
const asked = ({ came }: OutsideServer, name: string) => came.filter((each) => each.name.toLowerCase() === name)

describe('names outside, asked of real servers', () => {
  it('are answered as they are there, in the spelling of the client, and kept', async (context) => {
    const server = await outsideServer(context, ({ name }) => ({ answers: [address(name, '192.0.2.1', 20)] }))
    const { ask } = asker(context, [server])
    const first = await ask('www.Example.com')
    assert.deepEqual([first.questions?.[0]?.name, data(first), first.flag_aa], ['www.Example.com', ['192.0.2.1'], false])
    shifted.ahead += 5_000
    const second = await ask('WWW.example.com')
    assert.deepEqual([second.questions?.[0]?.name, second.answers?.map((each) => 'ttl' in each && each.ttl)], ['WWW.example.com', [15]])
    assert.equal(asked(server, 'www.example.com').length, 1)
    shifted.ahead += 16_000
    await ask('www.example.com')
    assert.equal(asked(server, 'www.example.com').length, 2)
  })

  it('are kept half a minute at most', async (context) => {
    const server = await outsideServer(context, ({ name }) => ({ answers: [address(name, '192.0.2.1', 86_400)] }))
    const { ask } = asker(context, [server])
    await ask('a.example')
    shifted.ahead += 31_000
    await ask('a.example')
    assert.equal(asked(server, 'a.example').length, 2)
  })

  it('that are not there are remembered as long as the SOA says, and without one not at all', async (context) => {
    const server = await outsideServer(context, ({ name }) => ({
      flags: name.startsWith('none') ? 0x0183 : 0x0180,
      authorities: name.endsWith('.soa') ? [startOfAuthority(600, 10)] : [],
    }))
    const { ask } = asker(context, [server])
    for (const name of ['none.soa', 'empty.soa', 'none.bare', 'empty.bare']) {
      assert.equal((await ask(name)).code, name.startsWith('none') ? 3 : 0)
      await ask(name)
      assert.equal(asked(server, name).length, name.endsWith('.soa') ? 1 : 2, name)
      shifted.ahead += 11_000
      await ask(name)
      assert.equal(asked(server, name).length, name.endsWith('.soa') ? 2 : 3, name)
    }
  })

  it('are asked for once, however many want the same', async (context) => {
    const gate = Promise.withResolvers<void>()
    const server = await outsideServer(context, async ({ name }) => {
      await gate.promise
      return { answers: [address(name, '192.0.2.1', 0)] }
    })
    const { ask } = asker(context, [server])
    const all = Array.from({ length: 50 }, () => ask('a.example'))
    gate.resolve()
    for (const answer of await Promise.all(all)) assert.deepEqual(data(answer), ['192.0.2.1'])
    assert.equal(asked(server, 'a.example').length, 1)
  })

  it('are asked for by TCP when a datagram does not hold the answer, and cut for those who asked by datagram', async (context) => {
    const answers = Array.from({ length: 100 }, (_, index) => address('big.example', `192.0.2.${index}`))
    const server = await outsideServer(context, ({ overTcp }) => (overTcp ? { answers } : { flags: 0x0380 }))
    const { ask } = asker(context, [server])
    const small = await ask('big.example', { overTcp: false })
    assert.deepEqual([small.flag_tc, small.bytes <= 512, (small.answers?.length ?? 0) > 10], [true, true, true])
    assert.deepEqual((await ask('big.example')).answers?.length, 100)
    const wider = await ask('big.example', { overTcp: false, size: 1_232 })
    assert.ok((wider.answers?.length ?? 0) > 2 * (small.answers?.length ?? 0))
    assert.deepEqual(
      asked(server, 'big.example').map((each) => each.overTcp),
      [false, true],
    )
  })

  it('are asked for without EDNS where nobody knows it', async (context) => {
    const server = await outsideServer(context, ({ query, name }) =>
      query.additionals?.length ? encode({ type: 'response', id: query.id ?? 0, flags: 1 }) : { answers: [address(name, '192.0.2.1')] },
    )
    assert.deepEqual(data(await asker(context, [server]).ask('a.example')), ['192.0.2.1'])
  })

  it('are asked of the next server when one fails, and that one is not asked first again', async (context) => {
    const broken = await outsideServer(context, () => ({ flags: 0x0182 }))
    const good = await outsideServer(context, ({ name }) => ({ answers: [address(name, '192.0.2.1', 0)] }))
    // Nobody listens there.
    const { ask } = asker(context, ['127.0.0.1:1', broken, good])
    assert.deepEqual(data(await ask('a.example')), ['192.0.2.1'])
    assert.equal(asked(broken, 'a.example').length, 1)
    const alone = asker(context, [broken])
    assert.equal((await alone.ask('b.example')).code, 2)
    assert.equal(asked(broken, 'b.example').length, 1)
  })

  it('are asked for again when a datagram was lost', async (context) => {
    let lost = 0
    const server = await outsideServer(context, ({ name }) =>
      name === 'a.example' && lost++ === 0 ? undefined : { answers: [address(name, '192.0.2.1')] },
    )
    const { ask } = asker(context, [server])
    shifted.hurry = 10
    assert.deepEqual(data(await ask('a.example')), ['192.0.2.1'])
  })

  it('are believed only of who was asked, for what was asked', async (context) => {
    const [server, stranger] = [createSocket('udp4'), createSocket('udp4')]
    server.on('message', (message, { port }) => {
      const { id = 0, questions = [] } = decode(message)
      const name = questions[0]?.name ?? ''
      const say = (data: string, fields: object = {}) =>
        Buffer.from(encode({ type: 'response', id, flags: 0x0180, questions, answers: [address(name, data)], ...fields }))
      // The right id, from another port; then from the right one: another id, name and type, and what is no answer; the truth is last.
      stranger.send(say('6.6.6.0'), port, '127.0.0.1', () => {
        const lies = [
          say('6.6.6.1', { id: id ^ 1 }),
          say('6.6.6.2', { questions: [{ type: 'A', name: 'b.example' }] }),
          say('6.6.6.3', { questions: [{ type: 'AAAA', name }] }),
          say('6.6.6.4', { type: 'query' }),
          say('6.6.6.5', { questions: [] }),
          say('6.6.6.6').subarray(0, 20),
        ]
        for (const one of [...lies, say('192.0.2.1')]) server.send(one, port, '127.0.0.1')
      })
    })
    context.after(() => [server, stranger].map((socket) => socket.close()))
    const port = await new Promise<number>((resolve) => server.bind(0, '127.0.0.1', () => resolve(server.address().port)))
    assert.deepEqual(data(await asker(context, [`127.0.0.1:${port}`]).ask('a.example')), ['192.0.2.1'])
  })

  it('more than sockets are for are refused at once', async (context) => {
    const server = await outsideServer(context, () => undefined)
    const { resolver } = asker(context, [server])
    shifted.hurry = 10
    const query = (index: number) => encode({ type: 'query', id: 1, flags: 0x0100, questions: [{ type: 'A', name: `n${index}.example` }] })
    const waiting = Array.from({ length: MOST_FORWARDED }, (_, index) => resolver.answer(query(index), true))
    const began = process.cpuUsage().user
    const refused = await resolver.answer(query(MOST_FORWARDED), true)
    assert.equal(refused![3]! & 0x0f, 2)
    assert.ok(process.cpuUsage().user - began < 500_000)
    shifted.ahead += 10_000
    await Promise.all(waiting)
  })

  it('behind an ExternalName come with its alias, and the code of the last name', async (context) => {
    const server = await outsideServer(context, ({ name, query }) =>
      query.questions?.[0]?.type === 'TXT' ? { flags: 0x0183 } : { answers: [address(name, '192.0.2.7')] },
    )
    const { ask } = asker(context, [server])
    const answer = await ask('search.default.svc.cluster.local')
    assert.deepEqual(data(answer), ['www.example.com', '192.0.2.7'])
    assert.deepEqual(
      answer.answers?.map(({ name }) => name),
      ['search.default.svc.cluster.local', 'www.example.com'],
    )
    const missing = await ask('search.default.svc.cluster.local', { type: 'TXT' })
    assert.deepEqual([missing.code, data(missing)], [3, ['www.example.com']])
  })

  it('of the cluster with a search domain of the node behind them are nobody’s', async (context) => {
    const server = await outsideServer(context, ({ name }) => ({ answers: [address(name, '192.0.2.1')] }))
    const { ask } = asker(context, [server])
    await ask('www.corp.example')
    assert.equal((await ask('nobody.default.svc.cluster.local.corp.example')).code, 3)
    assert.deepEqual(
      server.came.filter(({ name }) => name.startsWith('nobody')),
      [],
    )
  })
})

describe('the servers of the node', () => {
  it('are those of resolv.conf now; what the ones before said is forgotten', async (context) => {
    const answering = (data: string) => outsideServer(context, ({ name }) => ({ answers: [address(name, data)] }))
    const [one, two] = [await answering('192.0.2.1'), await answering('192.0.2.2')]
    const { ask, resolvConf } = asker(context, [one])
    assert.deepEqual(data(await ask('a.example')), ['192.0.2.1'])
    resolvConf(`nameserver ${two.address}\n`)
    shifted.ahead += 1_100
    await ask('other.example')
    assert.deepEqual(data(await ask('a.example')), ['192.0.2.2'])
    // A file in the middle of being written, or without a word, changes nothing.
    for (const text of ['', 'nameserver nonsense\n']) {
      resolvConf(text)
      shifted.ahead += 1_100
      assert.deepEqual(data(await ask(`b${text.length}.example`)), ['192.0.2.2'])
    }
  })

  it('are not ourselves', async (context) => {
    const server = await outsideServer(context, ({ name }) => ({ answers: [address(name, '192.0.2.1')] }))
    const { ask } = asker(context, ['127.0.0.53', server], { own: ['127.0.0.53'] })
    assert.deepEqual(data(await ask('a.example')), ['192.0.2.1'])
    assert.equal((await asker(context, ['127.0.0.53'], { own: ['127.0.0.53'] }).ask('a.example')).code, 2)
  })

  it('that ask us back are noticed, left out, and taken again when they no longer do', async (context) => {
    let goesBack = true
    const us: { answer?: (message: Buffer) => Promise<Buffer | undefined> } = {}
    const round = await outsideServer(context, async ({ query, name }) => {
      if (!goesBack) return { answers: [address(name, '192.0.2.1', 0)] }
      // A server in between, as one on the node that has the cluster's DNS as its own.
      const back = await us.answer!(encode({ type: 'query', id: 7, flags: 0x0100, questions: query.questions ?? [] }))
      return back && Buffer.concat([Buffer.from([(query.id ?? 0) >> 8, (query.id ?? 0) & 255]), back.subarray(2)])
    })
    const said: string[] = []
    const log = {
      ...silentLogger(),
      error: (message: string) => void said.push(message),
      info: (message: string) => void said.push(message),
    }
    const { ask, resolver } = asker(context, [round], { log: { ...log, child: () => log } as Logger })
    us.answer = async (message) => resolver.answer(message, true)
    assert.equal((await ask('a.example')).code, 2)
    assert.ok(said.some((message) => message.startsWith('a server outside asks us back')))
    const before = round.came.length
    assert.equal((await ask('b.example')).code, 2)
    assert.equal(round.came.length, before)
    goesBack = false
    shifted.ahead += 61_000
    assert.equal((await ask('c.example')).code, 2)
    while (!said.some((message) => message.startsWith('a server outside no longer'))) await new Promise(setImmediate)
    assert.deepEqual(data(await ask('d.example')), ['192.0.2.1'])
  })
})

describe('what people set for the cluster', () => {
  const place = { domain: 'cluster.local', own: [] }
  const answering = (context: TestContext, data: string) => outsideServer(context, ({ name }) => ({ answers: [address(name, data)] }))

  it('sends domains to servers of their own, the smallest domain first, and the rest to others than the node’s', async (context) => {
    const [node, corp, lab, rest] = await Promise.all(
      ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map((each) => answering(context, each)),
    )
    const { ask, outside } = asker(context, [node!])
    assert.deepEqual(data(await ask('git.corp.example')), ['192.0.2.1'])
    const stubDomains = JSON.stringify({ 'corp.example': [corp!.address], 'lab.corp.example': [lab!.address] })
    outside.configure(parseConfiguration({ stubDomains }, place))
    const said = async (...names: string[]) => (await Promise.all(names.map((name) => ask(name)))).flatMap(data)
    const names = ['git.corp.example', 'corp.example', 'a.lab.corp.example', 'xcorp.example', 'www.example']
    assert.deepEqual(await said(...names), ['192.0.2.2', '192.0.2.2', '192.0.2.3', '192.0.2.1', '192.0.2.1'])
    outside.configure(parseConfiguration({ stubDomains, upstreamNameservers: JSON.stringify([rest!.address]) }, place))
    assert.deepEqual(await said(...names), ['192.0.2.2', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.4'])
    outside.configure(parseConfiguration({}, place))
    assert.deepEqual(await said(...names), Array(5).fill('192.0.2.1'))
  })

  it('gives names addresses, before anybody else is asked, the cluster too', async (context) => {
    const node = await answering(context, '192.0.2.1')
    const { ask, outside } = asker(context, [node])
    outside.configure(parseConfiguration({ hosts: '10.9.9.9 www.example search.default.svc.cluster.local' }, place))
    assert.deepEqual(data(await ask('www.example')), ['10.9.9.9'])
    assert.deepEqual(data(await ask('search.default.svc.cluster.local')), ['10.9.9.9'])
    assert.deepEqual([(await ask('www.example', { type: 'AAAA' })).code, asked(node, 'www.example').length], [0, 0])
  })

  it('and what is answered is counted under the names of CoreDNS, and written down', async (context) => {
    const node = await answering(context, '192.0.2.1')
    const { ask, lines, metrics, resolver } = asker(context, [node])
    for (const name of ['www.example', 'www.example', 'nobody.default.svc.cluster.local']) await ask(name, { overTcp: false })
    await resolver.answer(Buffer.alloc(40), false)
    const text = metrics.render()
    for (const line of [
      'coredns_dns_requests_total{server="dns://:53",zone=".",view="",proto="udp",family="1",type="A"} 3',
      'coredns_dns_responses_total{server="dns://:53",zone=".",view="",rcode="NOERROR",plugin="forward"} 2',
      'coredns_dns_responses_total{server="dns://:53",zone=".",view="",rcode="NXDOMAIN",plugin="kubernetes"} 1',
      'coredns_dns_request_duration_seconds_count{server="dns://:53",zone=".",view=""} 3',
      'coredns_cache_requests_total{server="dns://:53",zone=".",view=""} 2',
      'coredns_cache_hits_total{server="dns://:53",zone=".",view=""} 1',
      `coredns_proxy_request_duration_seconds_count{proxy_name="forward",to="${node.address}",rcode="NOERROR"} 1`,
      'coredns_cache_entries 1',
      'coxswain_dns_unreadable_messages_total 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`)
    assert.equal(lines.length, 3)
    const [message, { client, name, type, code, protocol }] = lines[2]!
    assert.deepEqual(
      [message, client, name, type, code, protocol],
      ['query', '10.244.1.2', 'nobody.default.svc.cluster.local', 'A', 'NXDOMAIN', 'udp'],
    )
  })
})
