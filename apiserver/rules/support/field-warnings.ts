import { definition } from '../../../shared/openapi/document.ts'
import type { PodSpec, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import type { SchemaNode } from '../../../shared/openapi/schema.ts'
import { type Exception, type SupportTable, shortName, supportOf } from './field-support.ts'
import { podFields, volumeFields } from './pod-fields.ts'
import { serviceFields } from './service-fields.ts'

/** The part of a schema below which there is something to say, so that writing costs nothing for all the rest. */
interface Branch {
  fields: Map<string, { exception: Exception | undefined; below: Branch | undefined; isList: boolean }>
}

const trees = new Map<string, Branch>()

/** What a user should know of a pod's spec before wondering: one sentence a field that will not do what it says. */
export function podSpecWarnings(spec: PodSpec, path: string): Iterable<string> {
  return warningsOf(spec, path, treeOf('PodSpec', { ...podFields, ...volumeFields }))
}

export function serviceSpecWarnings(spec: ServiceSpec, path: string): Iterable<string> {
  return warningsOf(spec, path, treeOf('ServiceSpec', serviceFields))
}

function* warningsOf(object: object, path: string, { fields }: Branch): Generator<string> {
  for (const [name, value] of Object.entries(object)) {
    const field = fields.get(name)
    if (!field || value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue
    const at = `${path}.${name}`
    const { exception, below, isList } = field
    if (exception && (exception.of?.holds(value) ?? true)) yield `${at}: ${exception.why}`
    else if (below && isList && Array.isArray(value)) {
      for (const [index, item] of value.entries()) if (isObject(item)) yield* warningsOf(item, `${at}[${index}]`, below)
    } else if (below && isObject(value)) yield* warningsOf(value, at, below)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function treeOf(name: string, table: SupportTable): Branch {
  const known = trees.get(name)
  if (known) return known
  const root = definition(`io.k8s.api.core.v1.${name}`)
  const tree = (root && branchOf(root, name, table)) ?? { fields: new Map() }
  trees.set(name, tree)
  return tree
}

/** Undefined when there is nothing to say below. */
function branchOf(node: SchemaNode, name: string, table: SupportTable): Branch | undefined {
  const fields: Branch['fields'] = new Map()
  for (const [field, child] of node.fields) {
    const support = supportOf(table, name, field)
    const exception =
      support !== undefined && support !== 'done' && (support.is === 'warned' || support.is === 'fails') ? support : undefined
    const inner = child.items ?? child
    const isWhole = support !== 'done' && (support === undefined || support.of === undefined)
    const below = inner.ref && !isWhole ? branchOf(inner, shortName(inner.ref), table) : undefined
    if (exception || below) fields.set(field, { exception, below, isList: child.items !== undefined })
  }
  return fields.size > 0 ? { fields } : undefined
}
