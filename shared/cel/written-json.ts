import { inputLimits } from '../limits/input-limits.ts'
import { setOwn } from '../objects/own.ts'
import { celLimits } from './limits.ts'
import { ObjectValue } from './object-value.ts'
import { jsonPatchType } from './patch-types.ts'
import { durationText, timestampText } from './time-values.ts'
import { CelError, CelList, CelMap, Duration, OptionalValue, runtimeTypeOf, Timestamp, UnsignedInt, type Value } from './value.ts'

/**
 * A value as JSON that shares nothing with it: an empty optional is null, times and durations are texts, bytes base64. An error where a value
 * has no JSON, where it is larger or deeper than a request may be, or where parts of an `Object` are not called after the fields that they are in.
 */
export function writtenJson(value: Value): { readonly json: unknown } | CelError {
  const writer = new Writer()
  try {
    const json = writer.write(value, undefined, 0)
    return writer.mismatches.length > 0 ? new CelError(`type mismatch: ${writer.mismatches.join('\n')}`) : { json }
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error
    return new CelError(error.message)
  }
}

class Unwritable extends Error {
  override readonly name = 'Unwritable'
}

class Writer {
  readonly mismatches: string[] = []
  #left: number = inputLimits.bodyBytes

  /** @param path names of the fields that lead here, from the outermost part of an `Object`; undefined outside of any. Lists and maps have none. */
  write(value: Value, path: string | undefined, depth: number): unknown {
    if (depth > inputLimits.depth) throw new Unwritable(`a value may not be nested deeper than ${inputLimits.depth}`)
    this.#spend(1)
    if (value === null || typeof value === 'boolean') return value
    if (typeof value === 'string') return this.#text(value)
    if (typeof value === 'number') return finite(value)
    if (typeof value === 'bigint') return exact(value)
    if (value instanceof UnsignedInt) return exact(value.value)
    if (value instanceof OptionalValue) return value.value === undefined ? null : this.write(value.value, path, depth + 1)
    if (value instanceof CelList) return this.#list(value, path, depth)
    if (value instanceof CelMap) return this.#map(value, path, depth)
    if (value instanceof Timestamp) return timestampText(value)
    if (value instanceof Duration) return durationText(value)
    if (value instanceof Uint8Array) return this.#text(Buffer.from(value).toString('base64'))
    if (value instanceof CelError) throw new Unwritable(value.message)
    throw new Unwritable(`a value of type ${runtimeTypeOf(value)} cannot be written as JSON`)
  }

  #spend(size: number): void {
    this.#left -= size
    if (this.#left < 0) throw new Unwritable(`a value may not have more than ${inputLimits.bodyBytes} characters as JSON`)
  }

  #text(text: string): string {
    this.#spend(text.length)
    return text
  }

  #list(list: CelList, path: string | undefined, depth: number): unknown[] {
    // Before the list is made: items may be the same one value a million times.
    this.#spend(list.size)
    return Array.from(list, (item) => this.write(item, path, depth + 1))
  }

  #map(map: CelMap, path: string | undefined, depth: number): Record<string, unknown> {
    const name = map instanceof ObjectValue && map.typeName !== jsonPatchType.name ? map.typeName : undefined
    if (name !== undefined && path !== undefined && path !== name) this.#mismatch(name, path)
    const written: Record<string, unknown> = {}
    for (const key of map.keys()) {
      if (typeof key !== 'string') throw new Unwritable(`a map with keys of type ${runtimeTypeOf(key)} cannot be written as JSON`)
      this.#spend(key.length)
      const below = name === undefined ? path : `${path ?? name}.${key}`
      setOwn(written, key, this.write(map.get(key) ?? null, below, depth + 1))
    }
    return written
  }

  #mismatch(found: string, wanted: string): void {
    if (this.mismatches.length >= celLimits.problems) return
    const names = `unexpected type name ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`
    this.mismatches.push(`${names}, which matches field name path from root Object type`)
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Unwritable(`${value} cannot be written as JSON`)
  return value
}

/** Numbers of JSON are exactly what was written here, or not taken. */
function exact(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Unwritable(`the integer ${value} cannot be written as JSON exactly`)
  return number
}
