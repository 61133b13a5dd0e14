import assert from 'node:assert/strict'
import test from 'node:test'
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
