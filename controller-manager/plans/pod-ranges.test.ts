import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRange, parseRange, RangePool } from './pod-ranges.ts'

test('ranges are read and written', () => {
  for (const text of ['10.244.0.0/16', '0.0.0.0/0', '192.168.4.0/30', '255.255.255.255/32', 'fd00:10:244::/56', '::/0', 'fd00::ff/128'])
    assert.equal(formatRange(parseRange(text)), text)
})

test('what is no range is refused with the reason', () => {
  for (const text of ['10.0.0.0', '10.0.0/8', '10.0.0.256/24', '10.0.0.0/33', 'fd00::/129', 'fd00::', '10.0.0.0/8/8', ''])
    assert.throws(() => parseRange(text), /is not a range such as/, text)
  assert.throws(() => parseRange('10.0.0.1/24'), /has bits set beyond its prefix/)
  assert.throws(() => parseRange('fd00::1/64'), /has bits set beyond its prefix/)
  assert.throws(() => new RangePool(parseRange('10.0.0.0/24'), 16), /do not fit/)
  assert.throws(() => new RangePool(parseRange('fd00::/40'), 64), /more than 65536/)
})

function taken(pool: RangePool): string | undefined {
  const range = pool.firstFree()
  if (range) pool.take(range)
  return range && formatRange(range)
}

test('a pool gives each range once, the lowest first, and again when it is free', () => {
  const pool = new RangePool(parseRange('10.244.0.0/22'), 24)
  assert.deepEqual(
    [taken(pool), taken(pool), taken(pool), taken(pool), taken(pool)],
    ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24', undefined],
  )
  pool.release(parseRange('10.244.1.0/24'))
  assert.equal(taken(pool), '10.244.1.0/24')
})

test('ranges of other sizes take all they overlap; ranges elsewhere none', () => {
  const pool = new RangePool(parseRange('10.244.0.0/22'), 24)
  pool.take(parseRange('10.244.0.0/23'))
  pool.take(parseRange('10.244.2.128/25'))
  pool.take(parseRange('192.168.0.0/16'))
  assert.equal(pool.firstFree() && formatRange(pool.firstFree()!), '10.244.3.0/24')
  pool.take(parseRange('10.0.0.0/8'))
  assert.equal(pool.firstFree(), undefined)
})

test('a pool of IPv6 gives ranges like any other; ranges of the other family take nothing', () => {
  const pool = new RangePool(parseRange('fd00:10:244::/62'), 64)
  pool.take(parseRange('10.244.0.0/24'))
  pool.take(parseRange('fd00:10:244:1::/64'))
  pool.take(parseRange('fd00:10:244:2:8000::/80'))
  assert.deepEqual([taken(pool), taken(pool), taken(pool)], ['fd00:10:244::/64', 'fd00:10:244:3::/64', undefined])
  pool.release(parseRange('fd00:10:244:1::/64'))
  assert.equal(taken(pool), 'fd00:10:244:1::/64')
})

test('what was taken twice is free after it was released twice', () => {
  const pool = new RangePool(parseRange('10.244.0.0/24'), 24)
  const only = parseRange('10.244.0.0/24')
  pool.take(only)
  pool.take(only)
  pool.release(only)
  assert.equal(pool.firstFree(), undefined)
  pool.release(only)
  assert.ok(pool.firstFree())
})
