import { inputLimits } from '../../shared/limits/input-limits.ts'

type Fields = Readonly<Record<string, unknown>>

/** How a request ended (meta/v1 Status): what is answered says it where it is a Status itself. */
export function statusOf(code: number, body: Buffer | object): object {
  if (Buffer.isBuffer(body) || !isFields(body) || body['kind'] !== 'Status') return { metadata: {}, code }
  const { status, message, reason, details } = body
  return { metadata: {}, status, message, reason, details, code }
}

/** The object, or the objects of a list or of a table, without who owns which field. */
export function withoutManagedFields(body: unknown): unknown {
  if (!isFields(body)) return body
  const { metadata, items, rows } = body
  return {
    ...body,
    ...(isFields(metadata) ? { metadata: { ...metadata, managedFields: undefined } } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
    ...(Array.isArray(rows)
      ? { rows: rows.map((row) => (isFields(row) ? { ...row, object: withoutManagedFields(row['object']) } : row)) }
      : {}),
  }
}

/** What of an object's metadata says which one it is. */
export function identityOf(body: unknown): Readonly<Record<'name' | 'namespace' | 'uid' | 'resourceVersion', string | undefined>> {
  const metadata = isFields(body) && isFields(body['metadata']) ? body['metadata'] : {}
  const text = (field: string) => {
    const value = metadata[field]
    return typeof value === 'string' && value !== '' ? value.slice(0, inputLimits.quotedCharacters) : undefined
  }
  return { name: text('name'), namespace: text('namespace'), uid: text('uid'), resourceVersion: text('resourceVersion') }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
