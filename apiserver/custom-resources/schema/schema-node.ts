import { definition } from '../../../shared/openapi/document.ts'
import { type NodeFacts, SchemaNode } from '../../../shared/openapi/schema.ts'
import type { Shape } from './shape.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const scalarTypes: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean'])

/** The whole of a custom resource as the machinery sees every kind: what patches and server-side apply walk. */
export function resourceNode(shape: Shape): SchemaNode {
  return new SchemaNode({ type: 'object', fields: withTypeFields(shape), open: shape.isOpen || undefined })
}

function withTypeFields(shape: Shape): ReadonlyMap<string, SchemaNode> {
  const fields = new Map<string, SchemaNode>([
    ['kind', new SchemaNode({ type: 'string' })],
    ['apiVersion', new SchemaNode({ type: 'string' })],
    ['metadata', new SchemaNode({ type: 'object' }, OBJECT_META, () => definition(OBJECT_META)!)],
  ])
  for (const [name, each] of shape.properties) if (!fields.has(name)) fields.set(name, schemaNode(each, shape.required.includes(name)))
  return fields
}

/** A place of a structural schema. Nothing is ever filled in by the node itself: what is absent stays absent. */
export function schemaNode(shape: Shape, required = false): SchemaNode {
  const own: Omit<NodeFacts, 'type'> = { required, pointer: true, format: shape.format, default: shape.default }
  if (shape.isIntOrString) return new SchemaNode({ ...own, type: 'any', scalar: 'int-or-string' })
  if (shape.type === 'array') {
    const { listType, listMapKeys } = shape
    return new SchemaNode({ ...own, type: 'array', items: itemsOf(shape), listType, listMapKeys })
  }
  if (shape.type === 'object' || shape.properties.size > 0) return objectNode(shape, own)
  if (!scalarTypes.has(shape.type)) return new SchemaNode({ ...own, type: 'any', open: true })
  return new SchemaNode({ ...own, type: shape.type as NodeFacts['type'] })
}

function itemsOf({ items }: Shape): SchemaNode {
  return items ? schemaNode(items) : new SchemaNode({ type: 'any', open: true })
}

function objectNode(shape: Shape, own: Omit<NodeFacts, 'type'>): SchemaNode {
  const { mapType, values } = shape
  if (values !== undefined) {
    return new SchemaNode({
      ...own,
      type: 'map',
      mapType,
      values: values === 'any' ? new SchemaNode({ type: 'any', open: true }) : schemaNode(values),
    })
  }
  const fields = shape.isEmbedded
    ? withTypeFields(shape)
    : new Map([...shape.properties].map(([name, each]) => [name, schemaNode(each, shape.required.includes(name))]))
  return new SchemaNode({ ...own, type: 'object', mapType, fields, open: shape.isOpen || undefined })
}
