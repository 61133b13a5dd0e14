import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textLine } from './text-line.ts'

const line = (fields: object) => textLine(`${JSON.stringify({ time: '2030-01-01T12:00:00.123Z', ...fields })}\n`)

test('a line is read from left to right: when, how bad, who, what, with what', () => {
  const text = line({ level: 'info', message: 'serving', service: 'apiserver', port: 6443, url: 'https://a', note: 'two words', none: '' })
  assert.equal(text, '12:00:00.123 INFO  apiserver: serving  port=6443 url=https://a note="two words" none=""\n')
})

test('an error shows its message, and below an error line its stack', () => {
  const error = { type: 'Error', message: 'refused', stack: 'Error: refused\n    at here' }
  assert.equal(line({ level: 'warn', message: 'again', error }), '12:00:00.123 WARN  again  error="refused"\n')
  assert.match(line({ level: 'error', message: 'gone', error }), /error="refused"\nError: refused\n {4}at here\n$/)
})

test('a line that is not as expected is kept as it is', () => {
  assert.equal(textLine('not json\n'), 'not json\n')
})
