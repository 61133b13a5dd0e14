import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLongInteger, readExactJson, writeExactJson } from './exact-json.ts'

test('whole numbers of 64 bits are read and written to the last digit; all others are what JSON says', () => {
  const text =
    '{"most":9223372036854775807,"least":[-9223372036854775808,9007199254740993],"even":1000000000000000000,"text":"9223372036854775807"}'
  const value = readExactJson(text)
  const least = [-9223372036854775808n, 9007199254740993n]
  assert.deepEqual(value, { most: 9223372036854775807n, least, even: 1e18, text: '9223372036854775807' })
  assert.equal(writeExactJson(value), text)
  assert.equal(writeExactJson({ a: [1n] }, 2), '{\n  "a": [\n    1\n  ]\n}')
  assert.deepEqual(readExactJson('[1,2.5e3,"x",null]'), [1, 2500, 'x', null])
})

test('long numbers are found wherever they are in a text, and among digits that are none', () => {
  for (let before = 0; before < 40; before++) {
    const name = 'x'.repeat(before)
    assert.deepEqual(readExactJson(`{"${name}":9007199254740993}`), { [name]: 9007199254740993n })
    assert.deepEqual(readExactJson(`{"${name}" : [ 1,\n-9007199254740993 ] }`), { [name]: [1, -9007199254740993n] })
    const digest = `sha256:${name}1234567890123456789`
    assert.deepEqual(readExactJson(`{"${digest}":["${digest}",1234567890123456.5]}`), { [digest]: [digest, 1234567890123456.5] })
  }
  assert.equal(readExactJson(' 9007199254740993 '), 9007199254740993n)
  assert.equal(readExactJson('-9007199254740993'), -9007199254740993n)
})

test('more than 64 bits, fractions, exponents and what a double holds are no long integers', () => {
  for (const text of [
    '9223372036854775808',
    '-9223372036854775809',
    '1234567890123456.5',
    '9007199254740993e0',
    '9007199254740992',
    '12',
    '',
  ]) {
    assert.equal(isLongInteger(text), false, text)
  }
  assert.equal(isLongInteger('-9007199254740993'), true)
})

test('what JSON cannot hold for another reason is still refused', () => {
  const ring: Record<string, unknown> = { a: 1n }
  ring['ring'] = ring
  assert.throws(() => writeExactJson(ring), /circular/)
})
