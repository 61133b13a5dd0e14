/** Something read of an answer; what is in it is looked at when it is used. */
export type ParsedRecord = Readonly<Record<string, unknown>>

/** Makes one of what came from outside. @throws Error that says what it is not */
export type Parse<T> = (value: unknown) => T

export function asRecord(value: unknown): ParsedRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('Hetzner Cloud: an answer is no object')
  return Object.fromEntries(Object.entries(value))
}

export function listOf<T>(value: unknown, parse: Parse<T>): T[] {
  if (!Array.isArray(value)) throw new Error('Hetzner Cloud: an answer holds no list')
  return value.map(parse)
}

/** A field that must be there. */
export function numberOf(record: ParsedRecord, field: string): number {
  const value = record[field]
  if (typeof value !== 'number') throw new Error(`Hetzner Cloud: an answer has no number ${field}`)
  return value
}

export function textOf(record: ParsedRecord, field: string): string {
  const value = record[field]
  if (typeof value !== 'string') throw new Error(`Hetzner Cloud: an answer has no text ${field}`)
  return value
}

/** A part that may be missing or null. */
export function partOf(record: ParsedRecord, field: string): ParsedRecord | undefined {
  return record[field] === undefined || record[field] === null ? undefined : asRecord(record[field])
}

export function maybeText(record: ParsedRecord | undefined, field: string): string | undefined {
  const value = record?.[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}
