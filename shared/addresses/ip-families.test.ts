import assert from 'node:assert/strict'
import test from 'node:test'
import { familiesProblem, ofFamily, parseRanges, rangeAround } from './ip-families.ts'

test('ranges are one, or one of each family, in the order that is the cluster’s', () => {
  assert.deepEqual(parseRanges('10.96.0.0/16'), ['10.96.0.0/16'])
  assert.deepEqual(parseRanges('fd00:10:96::/112, 10.96.0.0/16'), ['fd00:10:96::/112', '10.96.0.0/16'])
  for (const [text, told] of [
    ['', /"" is no range such as/],
    ['10.96.0.0', /is no range/],
    ['10.96.0.0/33', /is no range/],
    ['10.96.0.1/16', /10\.96\.0\.1\/16 has bits set beyond its prefix, or another spelling: write 10\.96\.0\.0\/16/],
    ['fd00:0::/64', /write fd00::\/64/],
    ['10.96.0.0/16,10.97.0.0/16', /two ranges of one family/],
    ['10.96.0.0/16,fd00::/64,fd01::/64', /two ranges of one family/],
  ] as const) {
    assert.throws(() => parseRanges(text), told, text)
  }
})

test('finds what is of a family, or around an address', () => {
  const ranges = ['10.96.0.0/16', 'fd00:10:96::/112']
  assert.equal(ofFamily('IPv6', ranges), 'fd00:10:96::/112')
  assert.equal(ofFamily('IPv6', ['10.96.0.10']), undefined)
  assert.equal(rangeAround('fd00:10:96::a', ranges), 'fd00:10:96::/112')
  assert.equal(rangeAround('10.97.0.1', ranges), undefined)
})

test('says which flags differ', () => {
  const [four, six] = ['10.0.0.0/8', 'fd00::/64']
  const problem = (one: string[], other: string[]) => familiesProblem({ flag: '--a', ranges: one }, { flag: '--b', ranges: other })
  assert.equal(problem([four, six], ['192.168.0.0/16', 'fd01::/64']), undefined)
  assert.equal(
    problem([four, six], [six, four]),
    '--a has ranges of IPv4, then IPv6, --b of IPv6, then IPv4: both name the same families, in the same order',
  )
  assert.match(problem([four], [four, six]) ?? '', /^--a has ranges of IPv4, --b of IPv4, then IPv6/)
})
