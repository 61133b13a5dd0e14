import { createHash } from 'node:crypto'

/** A name made of what it names: equal content has one name, and a thing under a name never changes. */
export function contentName(prefix: string, content: unknown): string {
  return `${prefix}_${createHash('sha256').update(jsonOf(content)).digest('hex').slice(0, 20)}`
}

/** As JSON; numbers that JSON does not have (addresses of IPv6) as text. */
export function jsonOf(content: unknown): string {
  return JSON.stringify(content, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
}
