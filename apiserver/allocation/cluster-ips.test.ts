import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import { AllocationError } from './allocation-error.ts'
import { ClusterIPs } from './cluster-ips.ts'

const isKind = (kind: AllocationError['kind'], message: RegExp) => (error: unknown) =>
  error instanceof AllocationError && error.kind === kind && message.test(error.message)

describe('cluster IPs', () => {
  const ipsOf = (range: string) => new ClusterIPs(range.split(','), seededRandom(7), silentLogger())
  function following(range = '10.96.0.0/16') {
    const reader = new TestReader()
    const ips = ipsOf(range)
    ips.follow(reader)
    return {
      reader,
      ips,
      service: (name: string, clusterIP: string) =>
        reader.put('v1', 'Service', { metadata: { namespace: 'default', name }, spec: { clusterIP, clusterIPs: [clusterIP] } }),
      address: (name: string) =>
        reader.put('networking.k8s.io/v1', 'IPAddress', { metadata: { name }, spec: { parentRef: { resource: 'a', name: 'b' } } }),
      cidr: (name: string, cidrs: string[], status = 'True', deletionTimestamp?: string) =>
        reader.put('networking.k8s.io/v1', 'ServiceCIDR', {
          ...{ metadata: { name, deletionTimestamp }, spec: { cidrs } },
          status: { conditions: [{ type: 'Ready', status, reason: '', message: '', lastTransitionTime: '' }] },
        }),
    }
  }
  const taken = isKind('taken', /already allocated$/)

  it('run out, and come back', () => {
    const ips = ipsOf('10.0.0.0/29')
    const given = Array.from({ length: 6 }, () => ips.take('IPv4', undefined)).sort()
    assert.deepEqual(given, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    assert.throws(() => ips.take('IPv4', undefined), isKind('full', /range is full/))
    ips.release('10.0.0.4')
    assert.equal(ips.take('IPv4', undefined), '10.0.0.4')
  })

  it('may be asked for, once', () => {
    const ips = ipsOf('10.96.0.0/16')
    assert.equal(ips.take('IPv4', '10.96.0.10'), '10.96.0.10')
    assert.throws(
      () => ips.take('IPv4', '10.96.0.10'),
      isKind('taken', /^failed to allocate IP 10\.96\.0\.10: provided IP is already allocated$/),
    )
  })

  for (const wanted of ['10.97.0.1', '10.96.0.0', '10.96.255.255', 'fd00::1', 'ten', '']) {
    it(`outside the range are refused: ${JSON.stringify(wanted)}`, () => {
      assert.throws(() => ipsOf('10.96.0.0/16').take('IPv4', wanted), isKind('outside', /valid IPs is 10\.96\.0\.0\/16$/))
    })
  }

  it('follow the stored Services, as they were at the start and as they change', () => {
    const { reader, ips, service } = following()
    service('old', '10.96.0.1')
    assert.throws(() => ips.take('IPv4', '10.96.0.1'), taken)
    service('headless', 'None')
    service('new', '10.96.0.2')
    service('new', '10.96.0.3')
    assert.equal(ips.take('IPv4', '10.96.0.2'), '10.96.0.2', 'given up by the change')
    assert.throws(() => ips.take('IPv4', '10.96.0.3'), taken)
    reader.remove('v1', 'Service', 'default/old')
    assert.equal(ips.take('IPv4', '10.96.0.1'), '10.96.0.1')
  })

  it('are held by an IPAddress too, whoever made it, and are free when neither is left', () => {
    const { reader, ips, service, address } = following()
    address('10.96.0.9')
    assert.throws(() => ips.take('IPv4', '10.96.0.9'), taken)
    service('web', '10.96.0.9')
    reader.remove('v1', 'Service', 'default/web')
    ips.release('10.96.0.9')
    assert.throws(() => ips.take('IPv4', '10.96.0.9'), taken)
    reader.remove('networking.k8s.io/v1', 'IPAddress', '10.96.0.9')
    assert.equal(ips.take('IPv4', '10.96.0.9'), '10.96.0.9')
  })

  it('come from further ranges once those are ready, are one pool where ranges overlap, and stop when a range goes', () => {
    const { reader, ips, address, cidr } = following('10.96.0.0/30')
    address('10.112.0.9')
    cidr('more', ['10.112.0.0/28'], 'False')
    assert.throws(() => ips.take('IPv4', '10.112.0.1'), isKind('outside', /valid IPs is 10\.96\.0\.0\/30$/))
    cidr('more', ['10.112.0.0/28', 'fd00::/112'])
    cidr('inside', ['10.112.0.8/29'])
    assert.throws(() => ips.take('IPv4', '10.112.0.9'), taken)
    assert.equal(ips.take('IPv4', '10.112.0.10'), '10.112.0.10')
    const given = new Set(Array.from({ length: 14 }, () => ips.take('IPv4', undefined)))
    assert.equal(given.size, 14)
    assert.ok(!given.has('10.112.0.9') && !given.has('10.112.0.10'))
    assert.throws(() => ips.take('IPv4', undefined), isKind('full', /full/))
    ips.release('10.112.0.12')
    cidr('more', ['10.112.0.0/28'], 'True', '2026-01-01T00:00:00Z')
    assert.equal(ips.take('IPv4', undefined), '10.112.0.12', 'the other range has it')
    reader.remove('networking.k8s.io/v1', 'ServiceCIDR', 'inside')
    assert.throws(() => ips.take('IPv4', '10.112.0.12'), isKind('outside', /not in the valid range/))
  })

  it('are given by the own range whatever becomes of the ServiceCIDR that says so, and not by one without room', () => {
    const { reader, ips, cidr } = following()
    cidr('kubernetes', ['10.96.0.0/16'])
    reader.remove('networking.k8s.io/v1', 'ServiceCIDR', 'kubernetes')
    cidr('tiny', ['10.113.0.1/32'])
    assert.throws(() => ips.take('IPv4', '10.113.0.1'), isKind('outside', /not in the valid range/))
    assert.match(ips.take('IPv4', undefined), /^10\.96\./)
  })

  it('are of the family asked for; a family that the cluster lacks is given by no ServiceCIDR', () => {
    const { ips, cidr } = following('10.96.0.0/16,fd00:10:96::/112')
    assert.deepEqual(ips.families, ['IPv4', 'IPv6'])
    assert.match(ips.take('IPv4', undefined), /^10\.96\./)
    assert.match(ips.take('IPv6', undefined), /^fd00:10:96::/)
    assert.equal(ips.take('IPv6', 'fd00:10:96::a'), 'fd00:10:96::a')
    assert.throws(() => ips.take('IPv6', 'fd00:10:96::a'), taken)
    assert.throws(() => ips.take('IPv6', '10.96.0.10'), isKind('outside', /valid IPs is fd00:10:96::\/112$/))
    cidr('more', ['10.112.0.0/28', 'fd00:10:97::/112'])
    assert.equal(ips.take('IPv6', 'fd00:10:97::1'), 'fd00:10:97::1')
    const four = following()
    four.cidr('more', ['10.112.0.0/28', 'fd00:10:97::/112'])
    assert.equal(four.ips.take('IPv4', '10.112.0.1'), '10.112.0.1')
    assert.throws(() => four.ips.take('IPv6', 'fd00:10:97::1'), isKind('outside', /not in the valid range/))
    assert.throws(() => four.ips.take('IPv6', undefined), isKind('full', /range is full/))
  })
})
