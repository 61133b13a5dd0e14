import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedCache } from './bounded-cache.ts'

test('what is remembered stays below its bytes, and the oldest goes first', () => {
  const cache = new BoundedCache<number>({ bytes: 10_000, keyCharacters: 100 })
  for (let n = 0; n < 1_000; n++) cache.set(`question ${n}`, n)
  assert.ok(cache.bytes <= 10_000, `${cache.bytes}`)
  assert.ok(cache.size > 20, `${cache.size}`)
  assert.equal(cache.get('question 999'), 999)
  assert.equal(cache.get('question 0'), undefined)
})

test('a long key is not kept, and a replaced one counts once', () => {
  const cache = new BoundedCache<number>({ bytes: 10_000, keyCharacters: 10 })
  cache.set('x'.repeat(11), 1)
  assert.equal(cache.size, 0)
  for (let n = 0; n < 100; n++) cache.set('same', n)
  const { bytes } = cache
  assert.equal(cache.get('same'), 99)
  cache.delete('same')
  assert.ok(bytes > 0 && cache.bytes === 0)
})

test('a heavy value pushes others out, and one that is too heavy is not kept', () => {
  const cache = new BoundedCache<string>({ bytes: 2_000, keyCharacters: 10 })
  cache.set('a', 'small')
  cache.set('b', 'heavy', 1_800)
  assert.equal(cache.get('a'), undefined)
  cache.set('c', 'too heavy', 3_000)
  assert.equal(cache.get('c'), undefined)
  assert.equal(cache.get('b'), 'heavy')
})

test('keys that differ in half a pair of surrogates are two', () => {
  const cache = new BoundedCache<number>({ bytes: 2_000, keyCharacters: 10 })
  cache.set('\ud800', 1)
  cache.set('\ufffd', 2)
  assert.equal(cache.get('\ud800'), 1)
  assert.equal(cache.get('\ufffd'), 2)
})
