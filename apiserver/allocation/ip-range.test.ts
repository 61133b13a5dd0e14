import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../shared/random/random.ts'
import { IpRange } from './ip-range.ts'

const random = seededRandom(7)

describe('a range of addresses', () => {
  it('gives different ones outside the low band while there is room', () => {
    const range = new IpRange('10.96.0.0/16')
    const given = new Set<string>()
    for (let count = 0; count < 500; count++) {
      const address = range.pick(random) ?? ''
      range.mark(address)
      given.add(address)
    }
    assert.equal(given.size, 500)
    for (const address of given) {
      assert.ok(range.contains(address) && range.isTaken(address))
      assert.doesNotMatch(address, /^10\.96\.0\./, 'kept for people to pick')
    }
  })

  it('of IPv6 knows every spelling', () => {
    const range = new IpRange('fd00:10::/108')
    assert.equal(range.nth(1), 'fd00:10::1')
    range.mark('fd00:10:0:0::5')
    assert.equal(range.isTaken('fd00:10::5'), true)
    range.release('fd00:10::0:5')
    assert.equal(range.isTaken('fd00:10::5'), false)
    assert.equal(range.contains('10.0.0.1'), false)
  })

  for (const cidr of ['10.96.0.0', '10.96.0.0/33', '10.96.0.1/32', 'x/16', '']) {
    it(`cannot be of ${JSON.stringify(cidr)}`, () => {
      assert.throws(() => new IpRange(cidr), Error)
    })
  }
})
