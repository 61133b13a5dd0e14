/**
 * Look-ups by a text that a stranger chose. A plain `object[key]` also answers what every object inherits (`constructor`,
 * `toString`, `__proto__`), and plain assignment to `__proto__` sets no key.
 */

/** The value of an own key; never what every object inherits. */
export function own<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets a key, whatever its name. */
export function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}
