import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../shared/random/random.ts'
import { TestReader } from '../../test/harness/object-reader.ts'
import { AllocationError } from './allocation-error.ts'
import { IpRange } from './ip-range.ts'

const random = seededRandom(7)
const isKind = (kind: AllocationError['kind'], message: RegExp) => (error: unknown) =>
  error instanceof AllocationError && error.kind === kind && message.test(error.message)

describe('cluster IPs', () => {
  it('are different, in the range, and outside the low band while there is room', () => {
    const range = new IpRange('10.96.0.0/16')
    const given = new Set(Array.from({ length: 500 }, () => range.take(undefined, random)))
    assert.equal(given.size, 500)
    for (const address of given) {
      assert.ok(range.contains(address))
      assert.doesNotMatch(address, /^10\.96\.0\./, 'kept for people to pick')
    }
  })

  it('run out, and come back', () => {
    const range = new IpRange('10.0.0.0/29')
    const given = Array.from({ length: 6 }, () => range.take(undefined, random)).sort()
    assert.deepEqual(given, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    assert.throws(() => range.take(undefined, random), isKind('full', /range is full/))
    range.release('10.0.0.4')
    assert.equal(range.take(undefined, random), '10.0.0.4')
  })

  it('may be asked for, once', () => {
    const range = new IpRange('10.96.0.0/16')
    assert.equal(range.take('10.96.0.10', random), '10.96.0.10')
    assert.throws(
      () => range.take('10.96.0.10', random),
      isKind('taken', /^failed to allocate IP 10\.96\.0\.10: provided IP is already allocated$/),
    )
  })

  for (const wanted of ['10.97.0.1', '10.96.0.0', '10.96.255.255', 'fd00::1', 'ten', '']) {
    it(`outside the range are refused: ${JSON.stringify(wanted)}`, () => {
      assert.throws(() => new IpRange('10.96.0.0/16').take(wanted, random), isKind('outside', /valid IPs is 10\.96\.0\.0\/16$/))
    })
  }

  it('of IPv6 are known in every spelling', () => {
    const range = new IpRange('fd00:10::/108')
    assert.equal(range.nth(1), 'fd00:10::1')
    range.take('fd00:10:0:0::5', random)
    assert.throws(() => range.take('fd00:10::5', random), isKind('taken', /already/))
  })

  it('follow the stored Services, as they were at the start and as they change', () => {
    const reader = new TestReader()
    const put = (name: string, spec: { clusterIP?: string; clusterIPs?: string[] }) =>
      reader.put('v1', 'Service', { metadata: { namespace: 'default', name }, spec })
    put('old', { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] })
    const range = new IpRange('10.96.0.0/16')
    range.follow(reader)
    assert.throws(() => range.take('10.96.0.1', random), isKind('taken', /already/))
    put('headless', { clusterIP: 'None', clusterIPs: ['None'] })
    put('new', { clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] })
    put('new', { clusterIP: '10.96.0.3', clusterIPs: ['10.96.0.3'] })
    assert.equal(range.take('10.96.0.2', random), '10.96.0.2', 'given up by the change')
    assert.throws(() => range.take('10.96.0.3', random), isKind('taken', /already/))
    reader.remove('v1', 'Service', 'default/old')
    assert.equal(range.take('10.96.0.1', random), '10.96.0.1')
  })

  for (const cidr of ['10.96.0.0', '10.96.0.0/33', '10.96.0.1/32', 'x/16', '']) {
    it(`cannot be of ${JSON.stringify(cidr)}`, () => {
      assert.throws(() => new IpRange(cidr), Error)
    })
  }
})
