import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackWriter } from './back-writer.ts'
import { chosenReader, chosenValue } from './wire-choices.ts'
import { WireReader } from './wire-reader.ts'
import { messageWriter } from './write-message.ts'

const bytes = (number: number, content: string | Buffer = '') => {
  const inner = Buffer.from(content as string)
  return Buffer.concat([Buffer.from([number * 8 + 2, inner.length]), inner])
}
const varint = (number: number, ...value: number[]) => Buffer.from([number * 8, ...value])
const all = (...parts: Buffer[]) => Buffer.concat(parts)

const CORE = 'io.k8s.api.core.v1'
const CRD = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'
const cases: [what: string, definition: string, value: object, expected: Buffer][] = [
  ['what is held by value is written when it is zero', `${CORE}.EnvVar`, { name: 'A' }, all(bytes(1, 'A'), bytes(2))],
  ['what is held by a pointer is not', `${CORE}.SecurityContext`, {}, Buffer.alloc(0)],
  ['a pointer to zero is', `${CORE}.SecurityContext`, { runAsUser: 0, privileged: false }, all(varint(2, 0), varint(4, 0))],
  ['a number below zero takes ten bytes', `${CORE}.SecurityContext`, { runAsUser: -1 }, varint(4, ...Array(9).fill(0xff), 1)],
  [
    'a large number is exact',
    `${CORE}.SecurityContext`,
    { runAsUser: Number.MAX_SAFE_INTEGER },
    varint(4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f),
  ],
  [
    'maps are sorted by the bytes of their keys',
    `${CORE}.FlexVolumeSource`,
    { driver: '', options: { '\u{1f600}': '4', b: '2', a: '1', '\uffff': '3' } },
    all(
      ...[bytes(1), bytes(2), varint(4, 0)],
      ...[bytes(5, all(bytes(1, 'a'), bytes(2, '1'))), bytes(5, all(bytes(1, 'b'), bytes(2, '2')))],
      ...[bytes(5, all(bytes(1, '\uffff'), bytes(2, '3'))), bytes(5, all(bytes(1, '\u{1f600}'), bytes(2, '4')))],
    ),
  ],
  [
    'a struct that is embedded in Go is a message',
    `${CORE}.Volume`,
    { name: 'v', emptyDir: {} },
    all(bytes(1, 'v'), bytes(2, bytes(2, bytes(1)))),
  ],
  [
    'quantities are texts in messages',
    `${CORE}.ResourceRequirements`,
    { limits: { cpu: '500m' } },
    bytes(1, all(bytes(1, 'cpu'), bytes(2, bytes(1, '500m')))),
  ],
  [
    'a number or a text says which it is',
    `${CORE}.HTTPGetAction`,
    { port: 'http' },
    all(bytes(1), bytes(2, all(varint(1, 1), varint(2, 0), bytes(3, 'http'))), bytes(3), bytes(4)),
  ],
  [
    'a time is seconds, and empty where it is not set',
    'io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry',
    { time: '1970-01-01T00:00:05Z', fieldsV1: { a: {} } },
    all(bytes(1), bytes(2), bytes(3), bytes(4, all(varint(1, 5), varint(2, 0))), bytes(6), bytes(7, bytes(1, '{"a":{}}')), bytes(8)),
  ],
  [
    'a small time keeps its microseconds',
    'io.k8s.api.coordination.v1.LeaseSpec',
    { renewTime: '1970-01-01T00:00:01.000002Z' },
    bytes(4, all(varint(1, 1), varint(2, 0xd0, 0x0f))),
  ],
  ['bytes', `${CORE}.LocalObjectReference`, { name: 'é' }, bytes(1, 'é')],
  [
    'a list that may be nil stands in a message',
    'io.k8s.apimachinery.pkg.apis.meta.v1.APIResource',
    { verbs: ['get'] },
    all(...[bytes(1), varint(2, 0), bytes(3), bytes(4, bytes(1, 'get')), bytes(6), bytes(8), bytes(9), bytes(10)]),
  ],
  ['a list in a map, too', 'io.k8s.api.authentication.v1.UserInfo', { extra: { k: ['v'] } }, all(bytes(1), bytes(2), extra())],
]

function extra(): Buffer {
  return bytes(4, all(bytes(1, 'k'), bytes(2, bytes(1, 'v'))))
}

const written = (definition: string, value: unknown) => {
  const out = new BackWriter()
  messageWriter(definition)(out, value)
  return out.take()
}
for (const [what, definition, value, expected] of cases) {
  test(what, () => assert.deepEqual(written(definition, value), expected))
}

const schema = written(`${CRD}.JSONSchemaProps`, {})
const choices: [definition: string, value: unknown, expected: Buffer][] = [
  ['JSONSchemaPropsOrBool', true, varint(1, 1)],
  ['JSONSchemaPropsOrBool', false, varint(1, 0)],
  ['JSONSchemaPropsOrBool', {}, all(varint(1, 1), bytes(2, schema))],
  ['JSONSchemaPropsOrArray', {}, bytes(1, schema)],
  ['JSONSchemaPropsOrArray', [{}, {}], all(bytes(2, schema), bytes(2, schema))],
  ['JSONSchemaPropsOrStringArray', ['a', 'b'], all(bytes(2, 'a'), bytes(2, 'b'))],
]
for (const [name, value, expected] of choices) {
  test(`${name} of ${JSON.stringify(value)}`, () => {
    const out = new BackWriter()
    chosenValue(`${CRD}.${name}`, messageWriter)!(out, value)
    const made = out.take()
    assert.deepEqual(made, expected)
    const field = new WireReader(bytes(1, made))
    field.next()
    const back = chosenReader(`${CRD}.${name}`, () => ({}))!(field)
    assert.deepEqual(back, value)
  })
}

test('long texts and large rooms', () => {
  const name = 'é'.repeat(200_000)
  const out = written(`${CORE}.LocalObjectReference`, { name })
  assert.equal(out.subarray(-400_000).toString(), name)
  assert.deepEqual([...out.subarray(0, 4)], [0x0a, 0x80, 0xb5, 0x18])
})
