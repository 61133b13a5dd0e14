import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readableLine } from './log-lines.ts'

test('signs of terminals are no words', () => {
  assert.equal(readableLine('\u001b[31mred\u001b[0m \u001b[2Kdone\r'), 'red done')
  assert.equal(readableLine('a\tb\u0000c\u0007'), 'a\tbc')
  assert.equal(readableLine('<b>text</b>'), '<b>text</b>')
})

test('a line without an end is cut', () => {
  assert.equal(readableLine('x'.repeat(1_000_000)).length, 4_001)
})
