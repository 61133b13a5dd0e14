import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { definitionNameOf, kindFacts } from '../../shared/openapi/kinds.ts'
import { decodeObject } from '../registry/schema-check.ts'
import { encodeItem, encodeProtobuf, encodeWatchEvent, joinWatchEvent, listFrame, type Typed } from './encode-protobuf.ts'
import { parseProtobuf } from './parse-protobuf.ts'

/** What kubectl 1.32 sent for `kubectl create configmap a --from-literal=x=y`. */
const CONFIG_MAP = '6b3873000a0f0a0276311209436f6e6669674d6170121b0a110a016112001a0022002a0032003800420012060a017812017' + '91a002200'

const decoded = (value: Typed): Typed => decodeObject(value.apiVersion, value.kind, value, { fieldValidation: 'Strict' }) as Typed
const map = (name: string) => decoded({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { x: 'y' } } as Typed)

test('writes what kubectl writes', () => assert.equal(encodeProtobuf(map('a')).toString('hex'), CONFIG_MAP))

test('a list in pieces is the list in one piece', () => {
  const list = { apiVersion: 'v1', kind: 'ConfigMapList' }
  const items = ['a', 'b', 'c'].map((name) => encodeItem(map(name), map(name)))
  const metadata = { resourceVersion: '7', continue: 'more', remainingItemCount: 12 }
  const { head, tail } = listFrame(list, metadata, Buffer.concat(items).length)
  assert.deepEqual(Buffer.concat([head, ...items, tail]), encodeProtobuf({ ...list, metadata, items: ['a', 'b', 'c'].map(map) } as Typed))
})

test('an event is a frame with a body in it', () => {
  const frame = encodeWatchEvent('ADDED', map('a'))
  assert.equal(frame.readUInt32BE(), frame.length - 4)
  const body = Buffer.from(CONFIG_MAP, 'hex')
  const rest = Buffer.concat([Buffer.from('\n\x05ADDED\x12'), Buffer.from([body.length + 2, 0x0a, body.length]), body])
  assert.deepEqual(frame.subarray(4), rest)
  assert.deepEqual(joinWatchEvent('ADDED', map('a'), encodeItem(map('a'), map('a'))), frame)
})

test('a kind without a form is said to have none', () => {
  assert.throws(() => encodeProtobuf({ apiVersion: 'example.com/v1', kind: 'Backup' }), /Backup of example.com\/v1 has no protobuf form/)
})

test('what fails leaves nothing in the next', () => {
  assert.throws(() => encodeProtobuf({ ...map('a'), data: { a: 1, b: 'b' } } as Typed), /a number stands where a text belongs/)
  assert.equal(encodeProtobuf(map('a')).toString('hex'), CONFIG_MAP)
})

const samples = join(import.meta.dirname, '../../.cache/openapi-source/0.36.4/usr/share/gocode/src/k8s.io/api/testdata/HEAD')
const skip = existsSync(samples) ? false : 'the Go sources are not cached (tools/openapi-source.ts)'

test('every sample object of the Go sources becomes the bytes that Go wrote, and comes back from them', { skip }, (context) => {
  const met = new Set<string>()
  let unknown = 0
  for (const file of readdirSync(samples).filter((name) => name.endsWith('.pb'))) {
    const json = JSON.parse(readFileSync(join(samples, file.replace(/pb$/, 'json')), 'utf8')) as Typed
    if (definitionNameOf(json.apiVersion, json.kind) === undefined) {
      unknown++
      continue
    }
    const bytes = readFileSync(join(samples, file))
    const object = decoded(json)
    assert.deepEqual(encodeProtobuf(object), bytes, file)
    assert.deepEqual(decoded(parseProtobuf(bytes) as Typed), object, file)
    if (kindFacts(json.apiVersion, json.kind)) met.add(`${json.apiVersion}/${json.kind}`)
  }
  context.diagnostic(`${met.size} kinds that are resources; ${unknown} samples are of kinds that the release has no more`)
  assert.ok(met.size > 90, `only ${met.size} were compared`)
})
