import assert from 'node:assert/strict'
import test from 'node:test'
import { everything, labelSelectorFrom, labelSelectorFromMap, nothing, parseLabelSelector } from './label-selector.ts'

const web = { app: 'web', tier: 'front', 'example.com/build': '12' }

test('matches the textual form', () => {
  const cases: Record<string, boolean> = {
    '': true,
    'app=web': true,
    'app==web': true,
    'app=db': false,
    'app!=db': true,
    'missing!=x': true,
    app: true,
    '!app': false,
    '!missing': true,
    'app in (web,db)': true,
    'app in (web, db),tier=front': true,
    'app notin (web)': false,
    'missing notin (web)': true,
    'example.com/build>11': true,
    'example.com/build<12': false,
    'app>1': false,
    ' app = web , tier = front ': true,
    'app=': false,
    'app in ()': false,
    'app in (,web)': true,
    'app in (in,notin,web)': true,
    'toString=x': false,
    toString: false,
  }
  for (const [text, matched] of Object.entries(cases)) assert.equal(parseLabelSelector(text).matches(web), matched, text)
  assert.equal(parseLabelSelector('in in (in)').matches({ in: 'in' }), true)
})

test('no labels at all', () => {
  assert.equal(parseLabelSelector('!a,b!=c').matches(undefined), true)
  assert.equal(parseLabelSelector('a').matches(undefined), false)
})

test('refuses in the words of upstream', () => {
  const cases: Record<string, string> = {
    'a b': "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    '=a': "found '=', expected: !, identifier, or 'end of string'",
    'a,': "found '', expected: identifier after ','",
    'a=b c': "found 'c', expected: ',' or 'end of string'",
    'a in b': "unable to parse requirement: found 'b' expected: '('",
    'a in (b': "unable to parse requirement: found '', expected: ',' or ')'",
    'a=(': "unable to parse requirement: found '(', expected: identifier",
    '!': "unable to parse requirement: found '', expected: identifier",
  }
  for (const [text, message] of Object.entries(cases))
    assert.throws(() => parseLabelSelector(text), { name: 'SelectorError', message }, text)
  assert.throws(
    () => parseLabelSelector('-a=b'),
    /^SelectorError: unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/,
  )
  assert.throws(() => parseLabelSelector('a=b$'), /values\[0\]\[a\]: Invalid value: "b\$": a valid label must be an empty string/)
  assert.throws(() => parseLabelSelector('a>x'), /the value must be an integer/)
  assert.throws(() => parseLabelSelector(`a=${'x'.repeat(64)}`), /must be no more than 63 bytes/)
  assert.throws(() => parseLabelSelector('a/b/c=d'), /a valid label key must consist of/)
})

test('the object form', () => {
  assert.equal(labelSelectorFrom(undefined), nothing)
  assert.equal(nothing.matches(web), false)
  assert.equal(nothing.empty, false)
  assert.equal(labelSelectorFrom({}).matches(web), true)
  assert.equal(everything.empty, true)
  const selector = labelSelectorFrom({
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'tier', operator: 'In', values: ['x', 'front'] }],
  })
  assert.equal(selector.matches(web), true)
  assert.equal(selector.toString(), 'app=web,tier in (front,x)')
  assert.equal(selector.requiredValue('app'), 'web')
  assert.equal(parseLabelSelector(selector.toString()).toString(), selector.toString())
  assert.throws(() => labelSelectorFrom({ matchExpressions: [{ key: 'a', operator: 'Near' }] }), {
    message: '"Near" is not a valid label selector operator',
  })
  assert.throws(() => labelSelectorFrom({ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] }), /values set can't be empty/)
  assert.equal(labelSelectorFromMap({ app: 'web' }).matches(web), true)
})
