import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../shared/random/random.ts'
import { FieldSet, fieldSetFrom, fieldSetOf, parseFieldSet } from './field-set.ts'
import { pathText } from './path-element.ts'

const set = (...paths: string[]) => fieldSetOf(paths.map((path) => path.split(' ')))

test('FieldsV1 is written sorted, and read back the same', () => {
  const text =
    '{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:ports":{"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:port":{}}},"f:set":{"v:\\"a\\"":{},"v:1":{}}}}'
  const read = parseFieldSet(text)
  assert.equal(read.text, text)
  assert.ok(read.has(['f:metadata', 'f:labels']))
  assert.ok(!read.has(['f:metadata']))
  assert.deepEqual(Array.from(read.paths(), pathText), [
    '.metadata.labels',
    '.metadata.labels.app',
    '.spec.ports[port=80,protocol="TCP"]',
    '.spec.ports[port=80,protocol="TCP"].port',
    '.spec.set[="a"]',
    '.spec.set[=1]',
  ])
})

test('elements written in other ways are the same elements', () => {
  const one = fieldSetFrom({ 'k:{ "protocol":"TCP", "port":80}': {}, 'v: "a"': {} })
  assert.equal(one.text, '{"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":{},"v:\\"a\\"":{}}')
})

test('whole numbers of 64 bits in elements are kept to the last digit', () => {
  const text = '{"k:{\\"id\\":9007199254740993}":{"f:x":{}},"v:9007199254740993":{}}'
  const read = parseFieldSet(text)
  assert.equal(read.text, text)
  assert.deepEqual(Array.from(read.paths(), pathText), ['[id=9007199254740993].x', '[=9007199254740993]'])
})

test('what is no FieldsV1 is refused', () => {
  for (const text of ['[]', '"f:a"', '{"f:a":1}', '{"nothing":{}}', '{"k:[1]":{}}', '{"v:{":{}}', '{', '{"f:a":null}']) {
    assert.throws(() => parseFieldSet(text), SyntaxError, text)
  }
  assert.ok(parseFieldSet('{"x:later":{}}').isEmpty, 'elements of kinds to come are passed over')
})

test('operations keep what they do not change, and answer the set itself where nothing changes', () => {
  const one = set('f:a', 'f:b f:c', 'f:b f:d')
  assert.equal(one.union(set('f:b f:c')), one)
  assert.equal(one.difference(set('f:x', 'f:b f:y')), one)
  const less = one.difference(set('f:a'))
  assert.equal(less.children.get('f:b'), one.children.get('f:b'))
  assert.equal(one.intersection(set('f:q')), FieldSet.empty)
})

test('difference takes the place, differenceBelow also what is below it', () => {
  const one = set('f:a', 'f:a f:b', 'f:c')
  assert.equal(one.difference(set('f:a')).text, '{"f:a":{"f:b":{}},"f:c":{}}')
  assert.equal(one.differenceBelow(set('f:a')).text, '{"f:c":{}}')
})

test('sets of random paths obey the laws of sets', () => {
  const random = seededRandom(11)
  const some = () => {
    const paths = new Set<string>()
    for (let count = 0; count < 12; count++) {
      const depth = 1 + Math.floor(random.fraction() * 3)
      paths.add(Array.from({ length: depth }, () => `f:${'abc'[Math.floor(random.fraction() * 3)]}`).join(' '))
    }
    return paths
  }
  const textOf = (paths: Iterable<string>) => set(...paths).text
  for (let round = 0; round < 300; round++) {
    const [a, b] = [some(), some()]
    const [x, y] = [set(...a), set(...b)]
    assert.equal(x.union(y).text, textOf(new Set([...a, ...b])))
    assert.equal(x.intersection(y).text, textOf([...a].filter((path) => b.has(path))))
    assert.equal(x.difference(y).text, textOf([...a].filter((path) => !b.has(path))))
    assert.equal(parseFieldSet(x.text).text, x.text)
  }
})
