import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceOf, sliceOf, zoneOver } from '../test/harness/dns-zone.ts'
import type { DnsRecord } from './records.ts'

const ready = { ready: true }
const zone = zoneOver(
  [
    serviceOf('web', { clusterIP: '10.96.0.7', ports: [{ name: 'HTTP', protocol: 'TCP', port: 80, targetPort: 8080 }] }),
    serviceOf('both', {
      clusterIP: '10.96.0.8',
      clusterIPs: ['10.96.0.8', 'fd00:96::8'],
      ports: [{ protocol: 'UDP', port: 53, targetPort: 53 }],
    }),
    serviceOf('db', { clusterIP: 'None' }),
    serviceOf('portless', { clusterIP: 'None' }),
    serviceOf('waiting', { clusterIP: 'None' }),
    serviceOf('search', { type: 'ExternalName', externalName: 'Search.Example.com.' }),
  ],
  [
    sliceOf(
      'db',
      [
        { addresses: ['10.244.1.2'], conditions: ready, hostname: 'db-0' },
        { addresses: ['10.244.2.3'], conditions: {} },
        { addresses: ['10.244.2.4'], conditions: { ready: false }, hostname: 'db-2' },
      ],
      [
        { name: 'sql', protocol: 'TCP', port: 5432 },
        { name: 'stats', protocol: 'TCP', port: 9187 },
      ],
    ),
    sliceOf(
      'db',
      [{ addresses: ['fd00:244::2'], conditions: ready, hostname: 'db-0' }],
      [{ name: 'sql', protocol: 'TCP', port: 5432 }],
      'IPv6',
    ),
    sliceOf('portless', [{ addresses: ['10.244.1.9'], conditions: ready }]),
    sliceOf('waiting', [{ addresses: ['10.244.1.8'], conditions: { ready: false } }]),
  ],
)

/** What is said of a name, in a line each: data of the answers, the kind where there are none. */
function said(name: string, type: string, end = '.cluster.local'): string[] {
  const answer = zone.answer(`${name}${end}`, type)
  if (answer.kind !== 'found' && answer.kind !== 'elsewhere') return [answer.kind]
  return answer.answers.length === 0 ? ['nothing'] : answer.answers.map(text).sort()
}

function text({ type, data }: DnsRecord): string {
  return typeof data === 'string' ? `${type} ${data}` : type === 'SOA' ? 'SOA' : `${'target' in data ? `${data.target}:${data.port}` : ''}`
}

describe('names of the cluster', () => {
  it('a Service has the addresses of each family that it has, and nothing of the other', () => {
    assert.deepEqual(said('web.default.svc', 'A'), ['A 10.96.0.7'])
    assert.deepEqual(said('web.default.svc', 'AAAA'), ['nothing'])
    assert.deepEqual(said('both.default.svc', 'AAAA'), ['AAAA fd00:96::8'])
    assert.deepEqual(said('both.default.svc', 'ANY'), ['A 10.96.0.8', 'AAAA fd00:96::8'])
    assert.deepEqual(said('web.default.svc', 'MX'), ['nothing'])
  })

  it('a headless Service has its ready endpoints of each family, and each has its name', () => {
    assert.deepEqual(said('db.default.svc', 'A'), ['A 10.244.1.2', 'A 10.244.2.3'])
    assert.deepEqual(said('db.default.svc', 'AAAA'), ['AAAA fd00:244::2'])
    assert.deepEqual(said('db-0.db.default.svc', 'A'), ['A 10.244.1.2'])
    assert.deepEqual(said('db-0.db.default.svc', 'AAAA'), ['AAAA fd00:244::2'])
    assert.deepEqual(said('10-244-2-3.db.default.svc', 'A'), ['A 10.244.2.3'])
    assert.deepEqual(said('db-2.db.default.svc', 'A'), ['missing'])
    assert.deepEqual(said('waiting.default.svc', 'A'), ['missing'])
  })

  it('SRV: each named port, of each endpoint where there is no cluster IP; the addresses come along', () => {
    assert.deepEqual(said('_http._tcp.web.default.svc', 'SRV'), ['web.default.svc.cluster.local:80'])
    assert.deepEqual(said('both.default.svc', 'SRV'), ['both.default.svc.cluster.local:53'])
    assert.deepEqual(said('_stats._tcp.db.default.svc', 'SRV'), [
      '10-244-2-3.db.default.svc.cluster.local:9187',
      'db-0.db.default.svc.cluster.local:9187',
    ])
    // One host with two addresses is one target.
    assert.equal(said('_sql._tcp.db.default.svc', 'SRV').length, 2)
    const answer = zone.answer('_sql._tcp.db.default.svc.cluster.local', 'SRV')
    assert.deepEqual(answer.kind === 'found' && answer.additional.map(text).sort(), ['A 10.244.1.2', 'A 10.244.2.3', 'AAAA fd00:244::2'])
  })

  it('a name that only has something of another type, or only names below it, is not missing', () => {
    for (const name of [
      '_http._tcp.web.default.svc',
      '_tcp.web.default.svc',
      '_tcp.db.default.svc',
      'default.svc',
      'svc',
      'pod',
      'default.pod',
      'dns',
    ])
      assert.deepEqual(said(name, 'A'), ['nothing'], name)
    assert.deepEqual(said('portless.default.svc', 'SRV'), ['nothing'])
    assert.deepEqual(said('_http._udp.web.default.svc', 'SRV'), ['missing'])
    assert.deepEqual(said('_udp.web.default.svc', 'A'), ['missing'])
    assert.deepEqual(said('nowhere.svc', 'A'), ['missing'])
    assert.deepEqual(said('a.b.c.web.default.svc', 'A'), ['missing'])
  })

  it('an address has the name of its Service, or of each endpoint there', () => {
    assert.deepEqual(said('7.0.96.10.in-addr.arpa', 'PTR', ''), ['PTR web.default.svc.cluster.local'])
    assert.deepEqual(said('2.1.244.10.in-addr.arpa', 'PTR', ''), ['PTR db-0.db.default.svc.cluster.local'])
    assert.deepEqual(said('7.0.96.10.in-addr.arpa', 'A', ''), ['nothing'])
    const nibbles = `8${'.0'.repeat(23)}.6.9.0.0.0.0.d.f.ip6.arpa`
    assert.deepEqual(said(nibbles, 'PTR', ''), ['PTR both.default.svc.cluster.local'])
    for (const name of ['1.1.1.1.in-addr.arpa', '1.1.1.in-addr.arpa', '999.0.96.10.in-addr.arpa', 'f.ip6.arpa'])
      assert.deepEqual(said(name, 'PTR', ''), ['outside'], name)
  })

  it('a name of a pod says its address, of either family', () => {
    assert.deepEqual(said('10-244-9-9.default.pod', 'A'), ['A 10.244.9.9'])
    assert.deepEqual(said('10-244-9-9.default.pod', 'AAAA'), ['nothing'])
    assert.deepEqual(said('fd00-244--2.default.pod', 'AAAA'), ['AAAA fd00:244::2'])
    for (const name of ['10-244-9-999.default.pod', 'web.default.pod', '1.10-244-9-9.default.pod', '10-244-9-9.nowhere.pod'])
      assert.deepEqual(said(name, 'A'), ['missing'], name)
  })

  it('the domain says what it is, and whose it is', () => {
    assert.deepEqual(said('', 'SOA', 'cluster.local'), ['SOA'])
    assert.deepEqual(said('', 'NS', 'cluster.local'), ['NS ns.dns.cluster.local'])
    assert.deepEqual(said('ns.dns', 'A'), ['A 10.96.0.10'])
    assert.deepEqual(said('dns-version', 'TXT'), ['TXT 1.1.0'])
  })

  it('what only looks like the domain is outside', () => {
    for (const name of ['local', 'xcluster.local', 'x\\046cluster.local', 'cluster.local.lan', ''])
      assert.equal(zone.answer(name, 'A').kind, 'outside', name)
  })

  it('an ExternalName goes on elsewhere, whatever is asked', () => {
    assert.deepEqual(said('search.default.svc', 'AAAA'), ['CNAME search.example.com'])
    assert.deepEqual(said('a.search.default.svc', 'A'), ['missing'])
  })
})
