import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isClusterName } from './cluster-names.ts'
import { canonicalAddress, parseAddress, specialRange } from './ip-address.ts'
import { DisjointRanges, IpRange } from './ip-range.ts'

test('addresses that are nobody’s, in every spelling', () => {
  const special: Record<string, readonly string[]> = {
    unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '0:0:0:0:0:0:0:0'],
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:7f00:0001', '::127.0.0.1'],
    linkLocal: ['169.254.169.254', '169.254.0.1', 'fe80::1', 'FE80::1', 'febf::1', '::ffff:169.254.169.254', 'fe80::1%eth0'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff00::1', 'ff02::1', 'ff0e::1', '::ffff:224.0.0.1'],
    broadcast: ['255.255.255.255', '::ffff:255.255.255.255'],
    translated: ['::7f00:1', '64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001::1', '::ffff:0:127.0.0.1'],
  }
  for (const [range, texts] of Object.entries(special)) {
    for (const text of texts) {
      const address = parseAddress(text)
      assert.ok(address, text)
      assert.equal(specialRange(address), range, text)
    }
  }
  for (const text of ['10.0.0.1', '172.28.0.4', '192.0.2.7', '8.8.8.8', 'fd00::1', '2a00::1', '::ffff:10.0.0.1']) {
    const address = parseAddress(text)
    assert.ok(address, text)
    assert.equal(specialRange(address), undefined, text)
  }
})

test('only what the API calls an address is one', () => {
  for (const text of [
    '',
    'localhost',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1:80',
    '[::1]',
    '10.0.0.1/32',
    ' 10.0.0.1',
  ]) {
    assert.equal(parseAddress(text), undefined, text)
  }
  assert.equal(canonicalAddress('::ffff:10.0.0.1'), '10.0.0.1')
  assert.equal(canonicalAddress('FD00:0:0::01'), canonicalAddress('fd00::1'))
})

test('ranges', () => {
  const range = (text: string) => {
    const parsed = IpRange.parse(text)
    assert.ok(parsed, text)
    return parsed
  }
  for (const bad of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0/8', 'a/8', '10.0.0.0/8/8', '::/129', '10.0.0.0/']) {
    assert.equal(IpRange.parse(bad), undefined, bad)
  }
  const cluster = range('10.244.0.0/16')
  assert.ok(range('10.244.3.0/24').isInside(cluster) && range('10.244.0.0/16').isInside(cluster))
  for (const outside of ['0.0.0.0/0', '10.0.0.0/8', '10.245.0.0/24', 'fd00::/64']) assert.equal(range(outside).isInside(cluster), false)
  assert.ok(range('0.0.0.0/0').overlaps(cluster) && cluster.overlaps(range('10.244.9.0/24')))
  assert.equal(range('10.245.0.0/24').overlaps(cluster), false)
  assert.ok(cluster.holds('10.244.255.255') && cluster.holds('::ffff:10.244.0.1'))
  for (const outside of ['10.245.0.1', 'fd00::1', 'web', '']) assert.equal(cluster.holds(outside), false)
})

test('names that are the cluster’s own', () => {
  const own = [
    ...['kubernetes', 'Kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'kubernetes.'],
    ...['localhost', 'a.localhost', 'apiserver', 'web.default.svc', 'web.default.svc.k8s.example', 'a.cluster.local', 'cluster.local', '*'],
    ...['*.example.com', 'kubernetes.example.com', 'x.lab.example'],
  ]
  for (const name of own) assert.ok(isClusterName(name, 'lab.example'), name)
  for (const name of ['node-1', 'svc', 'svc.example.com', 'my-kubernetes-1', 'worker.example.com', 'mycluster.local']) {
    assert.equal(isClusterName(name), false, name)
  }
})

test('ranges that do not overlap', () => {
  const ranges = new DisjointRanges()
  const add = (text: string) => ranges.add(IpRange.parse(text) ?? assert.fail(text))
  assert.deepEqual(['10.244.1.0/24', '10.244.2.0/24', '10.244.4.0/22', 'fd00::/64'].map(add), [true, true, true, true])
  for (const text of ['10.244.1.0/24', '10.244.1.9/32', '10.244.0.0/16', '0.0.0.0/0', '10.244.7.0/24', 'fd00::1/128', '::/0']) {
    assert.equal(add(text), false, text)
  }
  assert.ok(add('10.244.8.0/24'))
})

test('a range has one text, however it is written', () => {
  const texts = ['10.244.7.9/16', '10.244.0.0/16', '0.0.0.0/0', '192.0.2.255/31', '192.0.2.1/32', '2001:db8::ffff/33']
  assert.deepEqual(
    texts.map((text) => IpRange.parse(text)?.text),
    ['10.244.0.0/16', '10.244.0.0/16', '0.0.0.0/0', '192.0.2.254/31', '192.0.2.1/32', '2001:db8::/33'],
  )
})
