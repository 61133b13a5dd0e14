import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../shared/objects/object.ts'
import { schemaOf } from '../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { decodeObject } from '../registry/schema-check.ts'
import { compareFields } from './compare-fields.ts'
import { createdFields } from './created-fields.ts'
import { FieldSet, fieldSetOf } from './field-set.ts'
import { shapeOf } from './owned-shape.ts'
import { strippedPaths } from './stripped-fields.ts'

const stripped = fieldSetOf(strippedPaths)

/** The short way of a create and the general comparison with an empty object. */
function bothWays(apiVersion: string, kind: string, body: object): { short: string; general: string } {
  const decode = (value: object): KubeObject => decodeObject(apiVersion, kind, structuredClone(value), { fieldValidation: 'Ignore' })
  const shape = shapeOf(schemaOf(apiVersion, kind)!)
  const [empty, object] = [decode({ apiVersion, kind }), decode(body)]
  const { added, modified } = compareFields(shape, empty, object)
  const general = added.union(modified).difference(stripped)
  return { short: createdFields(shape, object, empty, []), general: general === FieldSet.empty ? '' : general.text }
}

/** A value with everything that the schema knows, lists of two items. */
function filled(node: SchemaNode, depth: number): unknown {
  switch (node.scalar) {
    case undefined:
      break
    case 'quantity':
      return '1'
    case 'int-or-string':
      return 7
    case 'duration':
      return '1s'
    default:
      return '2020-01-01T00:00:00Z'
  }
  switch (node.type) {
    case 'string':
      return node.format === 'byte' ? 'YQ==' : 'text'
    case 'integer':
    case 'number':
      return 5
    case 'boolean':
      return true
    case 'array': {
      const one = filled(node.items!, depth)
      const other =
        typeof one === 'object' && one !== null
          ? Object.fromEntries(Object.entries(one).map(([name, value]) => [name, changed(value)]))
          : 'other'
      return node.items!.type === 'string' || typeof one === 'object' ? [one, other] : [one]
    }
    case 'map':
      return { b: filled(node.values!, depth), a: filled(node.values!, depth) }
    default:
      if (node.isOpen) return { z: { y: [1], x: {} }, '.': 1 }
      if (depth > 7) return {}
      return Object.fromEntries(Array.from(node.fields, ([name, field]) => [name, filled(field, depth + 1)]))
  }
}

const changed = (value: unknown) => (value === 'text' ? 'two' : value === 5 ? 6 : value)

for (const [apiVersion, kind] of [
  ['v1', 'Pod'],
  ['v1', 'Service'],
  ['v1', 'Node'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'ControllerRevision'],
  ['networking.k8s.io/v1', 'Ingress'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
] as const) {
  test(`the short way finds what the comparison finds: ${kind}`, () => {
    const schema = schemaOf(apiVersion, kind)!
    const full = { ...(filled(schema, 0) as object), apiVersion, kind }
    const { short, general } = bothWays(apiVersion, kind, full)
    assert.ok(short.length > 40)
    assert.equal(short, general)
  })
}

test('what is empty, and what only says what is there anyway', () => {
  const template = { metadata: {}, spec: { containers: [] } }
  for (const spec of [
    {},
    { template },
    { replicas: 0, selector: {} },
    { selector: { matchLabels: { a: 'b' } }, strategy: { rollingUpdate: {} } },
  ]) {
    const { short, general } = bothWays('apps/v1', 'Deployment', { metadata: { name: 'web', labels: {}, annotations: { a: '' } }, spec })
    assert.equal(short, general)
  }
  assert.equal(bothWays('v1', 'ConfigMap', { metadata: { name: 'web', namespace: 'default' } }).short, '')
})

test('an item that is twice in a list is named once', () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
  ]
  const { short } = bothWays('v1', 'Pod', { spec: { containers: [{ name: 'c', env }] } })
  assert.equal(short.split('k:{\\"name\\":\\"A\\"}').length, 2)
})
