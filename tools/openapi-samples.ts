/** Whether a value that Go's encoder wrote fits the schema. */
import type { SchemaNode } from '../shared/openapi/schema.ts'

const jsonTypes: Readonly<Record<SchemaNode['type'], string>> = {
  object: 'object',
  map: 'object',
  array: 'array',
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  any: '',
}

/** Every unknown field, wrong type and missing always-emitted field below `value`, one line each. */
export function misfits(node: SchemaNode, value: unknown, place: string): string[] {
  if (node.isOpen || value === null) return []
  const found = Array.isArray(value) ? 'array' : typeof value
  if (node.scalar === 'int-or-string' || node.scalar === 'quantity') {
    return found === 'string' || found === 'number' ? [] : [`${place}: ${found} where a ${node.scalar} belongs`]
  }
  if (found !== jsonTypes[node.type]) return [`${place}: ${found} where ${node.type} belongs`]
  if (Array.isArray(value)) return value.flatMap((item, at) => misfits(node.items!, item, `${place}[${at}]`))
  if (typeof value !== 'object') return []
  const entries = Object.entries(value)
  if (node.values) return entries.flatMap(([key, item]) => misfits(node.values!, item, `${place}.${key}`))
  const absent = node.filledFields
    .filter(([name]) => !Object.hasOwn(value, name))
    .map(([name]) => `${place}.${name}: always emitted, but absent`)
  return absent.concat(
    entries.flatMap(([name, item]) => {
      const field = node.fields.get(name)
      return field ? misfits(field, item, `${place}.${name}`) : [`${place}.${name}: unknown field`]
    }),
  )
}
