import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode } from 'dns-packet'
import { seededRandom } from '../../shared/random/random.ts'
import type { DnsRecord } from '../records.ts'
import { MessageWriter } from './message-writer.ts'
import { readName } from './names.ts'
import { type Query, readQuery } from './query.ts'
import { cutAt, recordPlaces } from './sections.ts'

function asking(name: string): Query {
  const query = readQuery(encode({ type: 'query', id: 7, flags: 256, questions: [{ type: 'A', name }] }))
  assert.ok(query && 'name' in query)
  return query
}

describe('DNS messages, beside an independent reader', () => {
  it('an answer of every type is read by others as it was meant, however names are shared', () => {
    const records: DnsRecord[] = [
      { type: 'A', name: 'web.default.svc.cluster.local', data: '10.96.0.7' },
      { type: 'AAAA', name: 'web.default.svc.cluster.local', data: 'fd00:96::8' },
      { type: 'CNAME', name: 'other.default.svc.cluster.local', data: 'www.example.com' },
      { type: 'PTR', name: '7.0.96.10.in-addr.arpa', data: 'web.default.svc.cluster.local' },
      { type: 'NS', name: 'cluster.local', data: 'ns.dns.cluster.local' },
      { type: 'SRV', name: 'x.example.com', data: { priority: 0, weight: 100, port: 80, target: 'a.www.example.com' } },
      { type: 'TXT', name: 'dns-version.cluster.local', data: '1.1.0' },
      {
        type: 'SOA',
        name: 'cluster.local',
        data: { primary: 'ns.dns.cluster.local', mailbox: 'hostmaster.cluster.local', times: [1, 2, 3, 4, 5] },
      },
    ]
    const query = asking('Web.Default.svc.cluster.local')
    const writer = new MessageWriter()
    writer.begin(query, 512)
    for (const record of records) assert.ok(writer.write(record, 5))
    const message = writer.finish(query.id, 0x8400, [records.length, 0, 0])
    const read = decode(message)
    assert.equal(read.questions?.[0]?.name, 'Web.Default.svc.cluster.local')
    const data = (read.answers ?? []).map((each) => [
      each.type,
      each.name.toLowerCase(),
      'data' in each && typeof each.data === 'string' ? each.data.toLowerCase() : 'data' in each && each.data,
    ])
    const expected = records.map((each) => {
      if (each.type === 'TXT') return [each.type, each.name, [Buffer.from(each.data)]]
      if (each.type !== 'SOA') return [each.type, each.name, each.data]
      const { primary, mailbox } = each.data
      return [each.type, each.name, { mname: primary, rname: mailbox, serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 }]
    })
    assert.deepEqual(data, expected)
    // Two thirds of what it takes without shared names.
    assert.ok(message.length < 320, `${message.length} octets`)
    const places = recordPlaces(message)
    assert.equal(places?.length, records.length)
    assert.equal(places?.at(-1)?.end, message.length)
  })

  it('a record that does not fit leaves no trace', () => {
    const query = asking('a.example.com')
    const writer = new MessageWriter()
    writer.begin(query, 60)
    assert.equal(writer.write({ type: 'CNAME', name: 'a.example.com', data: 'a-long-name-that-does-not-fit.example.org' }, 5), false)
    assert.equal(writer.write({ type: 'CNAME', name: 'a.example.com', data: 'b.org' }, 5), true)
    assert.deepEqual(
      decode(writer.finish(1, 0x8000, [1, 0, 0])).answers?.map((each) => 'data' in each && each.data),
      ['b.org'],
    )
    assert.equal(writer.write({ type: 'A', name: `${'x'.repeat(64)}.org`, data: '10.0.0.1' }, 5), false)
    assert.equal(writer.write({ type: 'A', name: 'b.org', data: 'fd00::1' }, 5), false)
  })

  it('names are read alike; a dot within a label is not one between labels', () => {
    const message = Buffer.concat([
      Buffer.from([3]),
      Buffer.from('a.B'),
      Buffer.from([3]),
      Buffer.from('x\0\xff', 'latin1'),
      Buffer.from([0]),
    ])
    assert.deepEqual(readName(message, 0), { name: 'a\\046b.x\\000\\255', end: message.length })
  })

  it('pointers lead backwards or nowhere, and long names end', () => {
    for (const hex of ['c000', 'c002', '01610161c002', '3f61', '80', 'c0', ''])
      assert.equal(readName(Buffer.from(hex, 'hex'), 0), undefined, hex)
    const label = Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 'a')])
    assert.ok(readName(Buffer.concat([label, label, label, Buffer.from([61]), Buffer.alloc(61, 'a'), Buffer.from([0])]), 0))
    assert.equal(readName(Buffer.concat([label, label, label, label, Buffer.from([0])]), 0), undefined)
  })

  it('what is no query is told apart from what cannot be read', () => {
    const refusals = (message: Buffer) => {
      const read = readQuery(message)
      return read && 'refusal' in read ? read.refusal : read && 'answer'
    }
    const good = encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'a.b' }] })
    const changed = (at: number, value: number) => {
      const message = Buffer.from(good)
      message[at] = value
      return message
    }
    assert.equal(refusals(good), 'answer')
    assert.equal(refusals(good.subarray(0, 11)), undefined)
    assert.equal(refusals(changed(2, 0x80)), undefined)
    assert.equal(refusals(changed(2, 0x28)), 4)
    for (const at of [5, 7, 9, 11]) assert.equal(refusals(changed(at, 2)), 1, `count at ${at}`)
    assert.equal(refusals(good.subarray(0, good.length - 1)), 1)
  })

  it('an answer is cut at whole records, and additional ones are no loss', () => {
    const message = encode({
      type: 'response',
      questions: [{ type: 'A', name: 'a.b' }],
      answers: [1, 2, 3].map((n) => ({ type: 'A' as const, name: 'a.b', data: `10.0.0.${n}` })),
      additionals: [{ type: 'A', name: 'c.d', data: '10.0.0.9' }],
    })
    const places = recordPlaces(message)
    assert.ok(places)
    assert.deepEqual(cutAt(places, 0, message.length).counts, { answer: 3, authority: 0, additional: 1 })
    assert.equal(cutAt(places, 0, message.length - 1).isTruncated, false)
    const cut = cutAt(places, 0, places[2]!.end - 1)
    assert.deepEqual([cut.counts.answer, cut.isTruncated, cut.bytes], [2, true, places[1]!.end])
    assert.equal(recordPlaces(message.subarray(0, message.length - 1)), undefined)
  })

  it('nothing makes it fail: random octets and honest messages with some changed', () => {
    const random = seededRandom(11)
    const honest = encode({ type: 'query', id: 1, questions: [{ type: 'SRV', name: '_http._tcp.web.default.svc.cluster.local' }] })
    for (let round = 0; round < 20_000; round += 1) {
      const message = round % 2 ? Buffer.from(honest) : Buffer.alloc(Math.floor(random.fraction() * 80))
      for (let n = round % 2 ? 3 : message.length; n > 0; n -= 1)
        message[Math.floor(random.fraction() * message.length)] = random.fraction() * 256
      const read = readQuery(message)
      if (read && 'name' in read) assert.ok(read.name.length <= 4 * 255)
      recordPlaces(message)
    }
  })
})
