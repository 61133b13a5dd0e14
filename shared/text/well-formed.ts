/**
 * The first text of a JSON value, keys included, that is not valid Unicode because half of a surrogate pair is missing. Encoders would
 * write something else in its place, so that two names become one.
 */
export function brokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : value
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) {
    for (const item of value) {
      const broken = brokenText(item)
      if (broken !== undefined) return broken
    }
    return undefined
  }
  for (const key in value) {
    const broken = brokenText(key) ?? brokenText((value as Record<string, unknown>)[key])
    if (broken !== undefined) return broken
  }
  return undefined
}

/** Whether JSON text has an escape that may be half a surrogate pair; cheap, because nearly no text has any. */
export function mayBeBroken(json: string): boolean {
  return json.includes('\\u') && /\\u[dD][89a-fA-F]/.test(json)
}
