import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesOf, diffOf } from './diff.ts'

const shown = (before: string, after: string) => diffOf(before, after).map(({ sign, text }) => `${sign}${text}`)

test('what went and what came, in place', () => {
  assert.deepEqual(shown('a\nb\nc\nd', 'a\nc\nx\nd'), [' a', '-b', ' c', '+x', ' d'])
  assert.deepEqual(shown('a', 'a'), [' a'])
  assert.deepEqual(shown('', 'a\nb'), ['-', '+a', '+b'])
  assert.deepEqual(shown('a\na\na', 'a\na'), [' a', ' a', '-a'])
})

test('applying a comparison to the old text gives the new one', () => {
  let seed = 7
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
  const text = () => Array.from({ length: random(30) }, () => 'abc'[random(3)]).join('\n')
  for (let round = 0; round < 300; round++) {
    const [before, after] = [text(), text()]
    const lines = diffOf(before, after)
    const side = (without: string) =>
      lines
        .filter(({ sign }) => sign !== without)
        .map((line) => line.text)
        .join('\n')
    assert.deepEqual([side('+'), side('-')], [before, after])
  }
})

test('a comparison of two large texts without anything in common ends', () => {
  const many = (sign: string) => Array.from({ length: 5000 }, (_, index) => `${sign}${index}`).join('\n')
  assert.equal(diffOf(many('a'), many('b')).length, 10_000)
})

test('far from changes nothing is shown', () => {
  const before = Array.from({ length: 20 }, (_, index) => `${index}`).join('\n')
  const parts = changesOf(diffOf(before, before.replace('\n10\n', '\nten\n')))
  assert.deepEqual(
    parts.map((part) => (part === '…' ? part : `${part.sign}${part.text}`)),
    ['…', ' 7', ' 8', ' 9', '-10', '+ten', ' 11', ' 12', ' 13', '…'],
  )
})
