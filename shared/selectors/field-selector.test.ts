import assert from 'node:assert/strict'
import test from 'node:test'
import { parseFieldSelector } from './field-selector.ts'

const fields: Record<string, string> = { 'metadata.name': 'web', 'status.phase': 'Running', odd: 'a,b=c\\' }
const textOf = (field: string) => fields[field] ?? ''

test('matches', () => {
  const cases: Record<string, boolean> = {
    '': true,
    'metadata.name=web': true,
    'metadata.name==web,status.phase!=Failed': true,
    'metadata.name!=web': false,
    'spec.nodeName=': true,
    ',,metadata.name=web': true,
    'odd=a\\,b\\=c\\\\': true,
  }
  for (const [text, matched] of Object.entries(cases)) assert.equal(parseFieldSelector(text).matches(textOf), matched, text)
})

test('refuses in the words of upstream', () => {
  assert.throws(() => parseFieldSelector('name'), { message: "invalid selector: 'name'; can't understand 'name'" })
  assert.throws(() => parseFieldSelector('a=b=c'), { message: 'invalid field selector: unescaped character in value: 61' })
  assert.throws(() => parseFieldSelector('a=\\x'), { message: 'invalid field selector: invalid escape sequence: \\x' })
  assert.throws(() => parseFieldSelector('a=b\\'), { message: 'invalid field selector: invalid escape sequence: \\' })
})

test('equal selectors have equal texts', () => {
  const text = parseFieldSelector('b==1,b=x,a!=2').toString()
  assert.equal(text, 'a!=2,b=1,b=x')
  assert.equal(parseFieldSelector('a!=2,b=x,b=1,b==x').toString(), text)
  assert.equal(parseFieldSelector(text).toString(), text)
})

test('text and lookups', () => {
  const selector = parseFieldSelector('odd=a\\,b\\=c\\\\,metadata.name=web')
  assert.equal(selector.toString(), 'metadata.name=web,odd=a\\,b\\=c\\\\')
  assert.equal(selector.requiredValue('metadata.name'), 'web')
  assert.equal(selector.requiredValue('status.phase'), undefined)
})
