import { encodeProtobuf, type Typed } from '../../../apiserver/protobuf/encode-protobuf.ts'
import { parseProtobuf } from '../../../apiserver/protobuf/parse-protobuf.ts'
import { decodeObject } from '../../../apiserver/registry/schema-check.ts'
import { StatusError } from '../../../shared/errors/status-error.ts'
import { sameJson } from '../../../shared/objects/same-json.ts'
import { definitionNameOf, kindsOfVersion, servedVersions } from '../../../shared/openapi/kinds.ts'
import type { Random } from '../../../shared/random/random.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { below } from '../mutate.ts'

const kinds = servedVersions().flatMap((version) => kindsOfVersion(version).map(({ kind }) => [version, kind] as const))

/** Protobuf bodies of every kind: what is read decodes, is JSON, and is the same again when it is written and read. */
const target: FuzzTarget = {
  seeds: [body('v1', 'ConfigMap', field(1, field(1, 'a'))), Buffer.from('6b3873007af5ffffffffffffffff01', 'hex')],
  words: kinds.map(([version, kind]) => body(version, kind, Buffer.alloc(0)).subarray(4)),
  generate(random) {
    const [version, kind] = kinds[below(random, kinds.length)]!
    return body(version, kind, message(random, 4))
  },
  run(input) {
    const value = parseProtobuf(input) as { apiVersion: string; kind: string }
    if (definitionNameOf(value.apiVersion, value.kind) === undefined) throw new Error('a kind that nobody knows was read')
    const object = decodeObject(value.apiVersion, value.kind, value, { fieldValidation: 'Strict' })
    const text = JSON.stringify(object)
    const again = decodeObject(value.apiVersion, value.kind, JSON.parse(text), { fieldValidation: 'Strict' })
    if (JSON.stringify(again) !== text) throw new Error(`decoded twice it is another object: ${text}`)
    const written = parseProtobuf(encodeProtobuf(object as Typed)) as Typed
    const back = decodeObject(value.apiVersion, value.kind, written, { fieldValidation: 'Strict' })
    // Maps are written in the order of their keys, as Go does.
    if (!sameJson(back, object)) throw new Error(`written and read it is another object: ${text} ${JSON.stringify(back)}`)
  },
  isExpected: (error) => error instanceof StatusError && error.code === 400,
}
export default target

function body(version: string, kind: string, raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from('k8s\0'), field(1, Buffer.concat([field(1, version), field(2, kind)])), field(2, raw)])
}

function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** Messages in messages with small field numbers, which is what API objects are made of. */
function message(random: Random, depth: number): Buffer {
  const parts: Buffer[] = []
  for (let left = below(random, 7); left > 0; left--) {
    const number = 1 + below(random, below(random, 3) === 0 ? 45 : 8)
    if (depth > 0 && random.fraction() < 0.6) parts.push(field(number, message(random, depth - 1)))
    else if (random.fraction() < 0.5) parts.push(field(number, ['', 'a', 'Always', '1Gi', '10.0.0.1', '{"a":1}'][below(random, 6)]!))
    else parts.push(Buffer.concat([varint(number * 8), varint([0, 1, 80, 2 ** 31, 2 ** 53 - 1][below(random, 5)]!)]))
  }
  return Buffer.concat(parts)
}
