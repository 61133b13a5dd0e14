import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../shared/errors/status-error.ts'
import { encodeProtobuf, MAGIC } from './encode-protobuf.ts'
import { parseProtobuf } from './parse-protobuf.ts'

/** What kubectl 1.32 sent for `kubectl create configmap a --from-literal=x=y`. */
const configMap = Buffer.from(
  '6b3873000a0f0a0276311209436f6e6669674d6170121b0a110a0161120' + '01a0022002a00320038004200' + '120' + '60a017812017' + '91a002200',
  'hex',
)

test('reads what kubectl sends', () => {
  assert.deepEqual(parseProtobuf(configMap), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...{ name: 'a', generateName: '', namespace: '', selfLink: '', uid: '', resourceVersion: '', generation: 0, creationTimestamp: null },
    },
    data: { x: 'y' },
  })
})

test('reads a former version as the present one where that is expected, and nowhere else', () => {
  const present = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } }
  const field = (tag: number, content: Buffer) => Buffer.concat([Buffer.from([tag, content.length]), content])
  const type = (apiVersion: string) =>
    field(0x0a, Buffer.concat([field(0x0a, Buffer.from(apiVersion)), field(0x12, Buffer.from('Eviction'))]))
  const content = encodeProtobuf(present).subarray(MAGIC.length + type('policy/v1').length)
  const former = Buffer.concat([MAGIC, type('policy/v1beta1'), content])
  const { apiVersion, kind } = present
  const read = parseProtobuf(former, { apiVersion, kind, formerVersions: ['policy/v1beta1'] })
  assert.deepEqual(read, parseProtobuf(encodeProtobuf(present)))
  assert.throws(() => parseProtobuf(former, { apiVersion, kind }), /no kind "Eviction" is registered for version "policy\/v1beta1"/)
})

const refusals: [string, Buffer, RegExp][] = [
  ['nothing', Buffer.alloc(0), /magic number/],
  ['JSON', Buffer.from('{"kind":"Pod"}'), /magic number/],
  ['a body that ends in the middle', configMap.subarray(0, 30), /unexpected end/],
  ['a kind nobody knows', Buffer.from('6b3873000a0c0a0276311206506f74617465', 'hex'), /no kind "Potate"/],
  ['a length below zero, eleven bytes that once never ended', Buffer.from('6b3873007af5ffffffffffffffff01', 'hex'), /unexpected end/],
  ['a length far beyond the end', Buffer.from('6b387300120affffffff0f', 'hex'), /unexpected end/],
  ['text that is no UTF-8', Buffer.from('6b3873000a070a01ff12024142', 'hex'), /not valid UTF-8/],
  ['a number without end', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(12, 0xff)]), /too long/],
]
for (const [what, bytes, message] of refusals) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parseProtobuf(bytes),
      (error) => error instanceof StatusError && error.code === 400 && message.test(error.message),
    )
  })
}
