import { createHash } from 'node:crypto'

/** A name made of what it names: equal content has one name, and a thing under a name never changes. */
export function contentName(prefix: string, content: unknown): string {
  return `${prefix}_${createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 20)}`
}
