import assert from 'node:assert/strict'
import test from 'node:test'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { parseBody } from './body.ts'

const json = async (text: string | Buffer) => parseBody(Buffer.from(text), 'application/json', 'Pod')
const yaml = async (text: string) => parseBody(Buffer.from(text), 'application/yaml', 'Pod')

test('reads JSON', async () => {
  const text = '{"a":{"b":[{"c":"x:\\"y\\\\"},{}]},"d":null,"e":{}}'
  assert.deepEqual(await json(text), { value: JSON.parse(text), duplicates: [] })
  assert.deepEqual((await parseBody(Buffer.from('\uFEFF{}'), undefined)).value, {})
  assert.deepEqual((await parseBody(Buffer.from('[]'), 'application/json-patch+json; charset=utf-8')).value, [])
})

test('finds keys given twice, where they are', async () => {
  const text = '{"spec":{"replicas":1,"re\\u0070licas" : 2,"list":[{"a":1},{"a":{"x":[1,2]},"a":2}]},"spec2":true}'
  assert.deepEqual((await json(text)).duplicates, ['duplicate field "spec.replicas"', 'duplicate field "spec.list[1].a"'])
})

test('keys that JavaScript finds special are data', async () => {
  const { value, duplicates } = await json('{"__proto__":{"polluted":1},"constructor":1,"hasOwnProperty":2}')
  assert.deepEqual(duplicates, [])
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor', 'hasOwnProperty'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('refuses what is no JSON', async () => {
  const refused = (text: string | Buffer, pattern: RegExp) =>
    assert.rejects(
      json(text),
      (error: Error & { code?: number }) => error.code === 400 && pattern.test(error.message),
      String(text).slice(0, 40),
    )
  await refused(
    '',
    /^the object provided is unrecognized \(must be of type Pod\): couldn't get version\/kind; json parse error: unexpected end of JSON input \(<empty>\)$/,
  )
  await refused('{"a":', /json parse error/)
  await refused(`{"a":1,}${' '.repeat(40)}`, /\(\{"a":1,\} {22} \.\.\.\)$/)
  await refused('a: 1', /\(613a2031\)$/)
  await refused('{} {}', /json parse error/)
  await refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not valid UTF-8/)
  await refused('['.repeat(100_000), /exceeded max depth/)
  await refused(`${'{"a":'.repeat(600)}1${'}'.repeat(600)}`, /exceeded max depth/)
  assert.throws(() => parseBody(Buffer.from('<a/>'), 'text/xml'), { code: 415, reason: 'UnsupportedMediaType' })
})

test('reads YAML as Kubernetes clients write it', async () => {
  const { value, duplicates } = await yaml(
    'a: yes\nb: 0755\nc: off\nd: 2020-01-01\ne: 1:30\nf: ~\ng: &x {h: 1}\ni:\n  <<: *x\n  j: "on"\n1: one\n',
  )
  assert.deepEqual(value, { a: true, b: 493, c: false, d: '2020-01-01', e: '1:30', f: null, g: { h: 1 }, i: { h: 1, j: 'on' }, '1': 'one' })
  assert.deepEqual(duplicates, [])
  assert.deepEqual((await yaml('a: 1\na: 2\n')).duplicates, ['yaml: unmarshal errors:\n  line 2: key "a" already set in map'])
})

test('refuses bad YAML', async () => {
  await assert.rejects(yaml('a: [1'), { code: 400 })
  await assert.rejects(yaml('a: 1\n---\nb: 2\n'), { code: 400 })
  const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(',')}]`).join('\n')}\n`
  await assert.rejects(yaml(bomb), { code: 400, message: /alias/i })
  await assert.rejects(yaml('a: &a [*a]'), { code: 400 })
  await assert.rejects(yaml('['.repeat(50_000)), { code: 400 })
})

test('numbers are kept exactly or refused, in JSON and in YAML', async () => {
  const refuses = async (text: string) => {
    await assert.rejects(json(text), { code: 400, message: /cannot be kept|can be kept exactly/ }, text.slice(0, 40))
    await assert.rejects(yaml(text), { code: 400, message: /can be kept exactly/ }, text.slice(0, 40))
  }
  for (const number of ['9007199254740993', '-9007199254740993', '1e400', '1e-400', '0.1234567890123456789', '1'.repeat(100_000)]) {
    await refuses(`{"a":${number}}`)
  }
  const kept = '{"a":9007199254740991,"b":-9007199254740991,"c":0.1,"d":1.5e300,"e":0.30000000000000004,"f":1.500000000000000000}'
  assert.deepEqual((await json(kept)).value, JSON.parse(kept))
  assert.deepEqual((await yaml(kept)).value, JSON.parse(kept))
  assert.deepEqual((await json('{"a":"9007199254740993"}')).value, { a: '9007199254740993' })
})

test('text is valid Unicode, in keys and values, in JSON and in YAML', async () => {
  for (const text of ['{"a":"\\ud800"}', '{"\\uDfff":1}', '{"a":["\\ud800\\u0041"]}', '{"a":"\\udc00\\ud800"}']) {
    await assert.rejects(json(text), { code: 400, message: /not valid Unicode/ }, text)
    await assert.rejects(yaml(text), { code: 400, message: /not valid Unicode/ }, text)
  }
  assert.deepEqual((await json('{"a":"\\ud83d\\ude00 \\u0041"}')).value, { a: '😀 A' })
})

test('one more value than allowed, or one more level, is refused', async () => {
  await assert.rejects(json(`[${'1,'.repeat(inputLimits.values)}1]`), { code: 400, message: /more than 250000 values/ })
  await assert.rejects(json(`${'['.repeat(251)}${']'.repeat(251)}`), { code: 400, message: /exceeded max depth/ })
  await json(`${'['.repeat(250)}${']'.repeat(250)}`)
  await assert.rejects(yaml(`a: "${'x'.repeat(inputLimits.yamlBytes)}"`), { code: 413, message: /for YAML; send JSON/ })
})

test('only so many doubled keys are told, and none at full length', async () => {
  const text = `{"${'k'.repeat(70_000)}":{${Array.from({ length: 3000 }, (_, index) => `"a${index}":1,"a${index}":2`).join(',')}}}`
  const { duplicates } = await json(text)
  assert.equal(duplicates.length, inputLimits.problems)
  assert.ok(duplicates.every((sentence) => sentence.length < 1000))
})

test('what the aliases of a YAML document add is bounded', async () => {
  const aliases = (count: number) => `- &a [x,x,x,x,x,x,x,x,x]\n${'- *a\n'.repeat(count)}`
  assert.equal(((await yaml(aliases(500))).value as unknown[]).length, 501)
  await assert.rejects(yaml(aliases(1001)), { code: 400, message: /excessive aliasing/ })
  await assert.rejects(yaml(`- &a "${'x'.repeat(100_000)}"\n${'- *a\n'.repeat(100)}`), { code: 400, message: /excessive aliasing/ })
  const { value } = await yaml('a: &a {x: {y: 1}}\nb: *a\n')
  const { a, b } = value as { a: { x: object }; b: { x: object } }
  assert.notEqual(a.x, b.x)
})

test('YAML keys that JavaScript finds special are data', async () => {
  const { value } = await yaml('__proto__: {polluted: 1}\nconstructor: 1\n? &k x\n: *k\n')
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor', 'x'])
  await assert.rejects(yaml('? {a: 1}\n: 2\n'), { code: 400 })
  // What JSON has no number for stays text.
  assert.deepEqual((await yaml('a: .inf\nb: .nan')).value, { a: '.inf', b: '.nan' })
})
