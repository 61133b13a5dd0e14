import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultConfiguration, parseConfiguration } from './configuration.ts'

const place = { domain: 'cluster.local', own: ['10.96.0.10'] }
const parse = (data: Record<string, string>) => parseConfiguration(data, place)

describe('the ConfigMap of DNS', () => {
  it('may say nothing', () => {
    assert.deepEqual(parse({}), defaultConfiguration)
    assert.deepEqual(parse({ stubDomains: ' \n', queryLog: '' }), defaultConfiguration)
  })

  it('has the keys of kube-dns, names as in a hosts file, and a switch', () => {
    const { stubDomains, upstreamNameservers, hosts, queryLog } = parse({
      stubDomains: '{"Corp.Example.": ["10.0.0.1", "10.0.0.2:5353"], "10.in-addr.arpa": ["fd00::1"]}',
      upstreamNameservers: '["1.1.1.1", "[fd00::2]:54"]',
      hosts: '# ours\n10.1.2.3 git.corp.example Git # both\nfd00::0:5 git\n\n',
      queryLog: 'true\n',
    })
    assert.deepEqual(stubDomains.get('corp.example'), [
      { host: '10.0.0.1', port: 53 },
      { host: '10.0.0.2', port: 5353 },
    ])
    assert.deepEqual(stubDomains.get('10.in-addr.arpa'), [{ host: 'fd00::1', port: 53 }])
    assert.deepEqual(upstreamNameservers[1], { host: 'fd00::2', port: 54 })
    assert.equal(queryLog, true)
    assert.deepEqual(hosts.answer('git', 'AAAA'), {
      kind: 'found',
      answers: [{ type: 'AAAA', name: 'git', data: 'fd00::5' }],
      additional: [],
    })
    assert.deepEqual(hosts.answer('git.corp.example', 'AAAA'), { kind: 'found', answers: [], additional: [] })
    assert.equal(hosts.answer('other', 'A').kind, 'outside')
    const back = hosts.answer('3.2.1.10.in-addr.arpa', 'PTR')
    assert.deepEqual(back.kind === 'found' && back.answers.map(({ data }) => data), ['git.corp.example', 'git'])
    assert.equal(hosts.answer('4.2.1.10.in-addr.arpa', 'PTR').kind, 'outside')
  })

  const refused: [Record<string, string>, RegExp][] = [
    [{ stubDomain: '{}' }, /^stubDomain: is not known; did you mean stubDomains\?$/],
    [{ federations: 'x' }, /^federations: is not known; there are stubDomains, upstreamNameservers, hosts, queryLog$/],
    [{ Corefile: '.:53 {}' }, /^Corefile: a Corefile is CoreDNS' own/],
    [{ stubDomains: '{' }, /^stubDomains: is not JSON: /],
    [{ stubDomains: '["10.0.0.1"]' }, /^stubDomains: has to be an object of domains/],
    [{ stubDomains: '{"a..b": ["10.0.0.1"]}' }, /^stubDomains: "a\.\.b" is no DNS name$/],
    [{ stubDomains: '{"svc.cluster.local": ["10.0.0.1"]}' }, /^stubDomains: "svc\.cluster\.local" is the cluster's own domain/],
    [{ stubDomains: '{"corp.example": []}' }, /^stubDomains: "corp\.example" has to be a list of 1 to 15 servers/],
    [{ stubDomains: '{"corp.example": ["dns.corp.example"]}' }, /^stubDomains: "corp\.example" "dns\.corp\.example" is no IP address/],
    [{ upstreamNameservers: '["10.96.0.10"]' }, /^upstreamNameservers: 10\.96\.0\.10 is this DNS itself/],
    [{ upstreamNameservers: '["1.1.1.1:99999"]' }, /^upstreamNameservers: "1\.1\.1\.1:99999" is no IP address/],
    [{ upstreamNameservers: '[1]' }, /^upstreamNameservers: 1 is no IP address/],
    [{ hosts: '10.0.0.1 a\n10.0.0 b' }, /^hosts: line 2: "10\.0\.0" is no IP address$/],
    [{ hosts: '10.0.0.1 a_b c/d' }, /^hosts: line 1: "c\/d" is no DNS name$/],
    [{ hosts: '10.0.0.1' }, /^hosts: line 1: 10\.0\.0\.1 has no name behind it$/],
    [{ queryLog: 'on' }, /^queryLog: "on" is neither "true" nor "false"$/],
  ]
  for (const [data, message] of refused) {
    it(`is refused whole, by key: ${JSON.stringify(data)}`, () => assert.throws(() => parse(data), { name: 'ConfigurationError', message }))
  }
})
