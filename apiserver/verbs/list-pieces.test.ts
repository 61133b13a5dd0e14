import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '../../shared/time/clock.ts'
import { negotiate } from '../http/content-type.ts'
import { encodeProtobuf, type Typed } from '../protobuf/encode-protobuf.ts'
import { EncodedObjects } from '../registry/encoded-objects.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { Resource } from '../registry/resource-table.ts'
import { ScanTurns } from '../registry/scan-turns.ts'
import { protobufPieces } from './list-pieces.ts'

const resource = { apiVersion: 'v1', kind: 'ConfigMap', listKind: 'ConfigMapList' } as Resource
const object = (n: number) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `m${n}` }, data: { big: 'x'.repeat(1024 * 1024) } })
const entries = Array.from({ length: 40 }, (_, n) => {
  return { key: `core/configmaps/default/m${n}`, revision: n + 1, value: Buffer.from(JSON.stringify(object(n))) } as StoredEntry
})

for (const form of ['', ';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1']) {
  test(`a list that is larger than what is held of it is still the whole list${form}`, async () => {
    const accept = `application/vnd.kubernetes.protobuf${form}`
    const representation = negotiate({ accept, userAgent: undefined, pretty: null, includeObject: null })
    const page = { entries, revision: 40, continue: undefined, remaining: undefined }
    const { head, items, tail, length } = await protobufPieces({ resource, representation }, page, {
      encoded: new EncodedObjects(),
      turns: new ScanTurns(realClock()),
    })
    const sent = [...items]
    assert.equal(Buffer.concat(sent).length, length)
    const kind = form ? 'PartialObjectMetadataList' : 'ConfigMapList'
    const list = {
      kind,
      apiVersion: form ? 'meta.k8s.io/v1' : 'v1',
      metadata: { resourceVersion: '40' },
      items: entries.map((_, n) => object(n)),
    }
    assert.ok(Buffer.concat([head, ...sent, tail]).equals(encodeProtobuf(list as Typed)))
  })
}

test('of many lists one goes on in a round, for one turn', async () => {
  let now = 0
  // Each look at the clock is half a millisecond later.
  const turns = new ScanTurns({ monotonic: () => (now += 0.5) })
  const representation = negotiate({
    accept: 'application/vnd.kubernetes.protobuf',
    userAgent: undefined,
    pretty: null,
    includeObject: null,
  })
  let encodedNow = 0
  let most = 0
  class Counted extends EncodedObjects {
    override itemOf(of: Resource, entry: StoredEntry): Buffer {
      most = Math.max(most, ++encodedNow)
      return super.itemOf(of, entry)
    }
  }
  let isOver = false
  const others = () => {
    encodedNow = 0
    if (!isOver) setImmediate(others)
  }
  setImmediate(others)
  const page = { entries: entries.slice(0, 10), revision: 40, continue: undefined, remaining: undefined }
  const encoded = new Counted()
  await Promise.all(Array.from({ length: 8 }, () => protobufPieces({ resource, representation }, page, { encoded, turns })))
  isOver = true
  assert.ok(most <= 4, `${most} items were encoded while others waited`)
})
