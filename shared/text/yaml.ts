import { createRequire } from 'node:module'
import type { LoadOptions } from 'js-yaml'
import { inputLimits } from '../limits/input-limits.ts'
import { tooMuch } from '../limits/too-much.ts'
import { brokenText } from './well-formed.ts'
import { yamlSchema } from './yaml-schema.ts'

/** One YAML document as JSON data, and the sentences about keys given twice. */
export interface YamlDocument {
  readonly value: unknown
  readonly duplicates: readonly string[]
}

/**
 * Reads one YAML document by the rules Kubernetes' clients know (YAML 1.1: `yes`, `0755`, merge keys; dates and 1:30 stay text).
 * Aliases are copied out, as JSON has none: what they add is bounded.
 * @throws Error with a sentence for people
 */
export function readYaml(text: string): YamlDocument {
  const yaml = yamlLibrary()
  const repeated = { any: false }
  const options: LoadOptions = {
    schema: yamlSchema(yaml, () => (repeated.any = true)),
    json: true,
    maxDepth: inputLimits.depth,
    maxAliases: inputLimits.yamlAliasedNodes,
    maxTotalMergeKeys: inputLimits.yamlAliasedNodes,
  }
  const loaded: unknown = yaml.load(text, options)
  const value = new Copy().of(loaded, 0)
  const broken = brokenText(value)
  if (broken !== undefined)
    throw new Error(`${JSON.stringify(broken).slice(0, 100)} is not valid Unicode: half of a surrogate pair is missing`)
  return { value, duplicates: repeated.any ? [firstDuplicate(yaml, text, options)] : [] }
}

/** Loaded when the first document comes, because most processes never see one. */
function yamlLibrary(): typeof import('js-yaml') {
  return createRequire(import.meta.url)('js-yaml')
}

/** The first key given twice with its line, from a reading that stops there. */
function firstDuplicate(yaml: typeof import('js-yaml'), text: string, options: LoadOptions): string {
  try {
    yaml.load(text, { ...options, json: false })
  } catch (error) {
    if (error instanceof yaml.YAMLException && error.mark) {
      const line = error.mark.line + 1
      const key = lineAt(text, error.mark.position).trim().slice(0, 200)
      return `yaml: unmarshal errors:\n  line ${line}: key ${JSON.stringify(key)} already set in map`
    }
  }
  return 'yaml: unmarshal errors:\n  a key is already set in its map'
}

/** The line that holds the position, up to its colon. */
function lineAt(text: string, position: number): string {
  const start = text.lastIndexOf('\n', position - 1) + 1
  const colon = text.indexOf(':', start)
  return text.slice(start, colon < 0 ? position : colon)
}

/** Copies a loaded document, so that nothing is shared; counts what it is made of. */
class Copy {
  #added = 0
  #characters = 0
  #values = 0
  readonly #met = new Set<object>()

  /** `isRepeated`: inside something that an alias stands for. */
  of(value: unknown, depth: number, isRepeated = false): unknown {
    this.#count(typeof value === 'string' ? value.length + 1 : 1)
    if (++this.#values > inputLimits.values) throw new Error(tooMuch.values)
    const isCopy = isRepeated || (typeof value === 'object' && value !== null && this.#met.has(value))
    if (isCopy && ++this.#added > inputLimits.yamlAliasedNodes) {
      throw new Error(`its aliases add more than ${inputLimits.yamlAliasedNodes} values: document contains excessive aliasing`)
    }
    if (typeof value !== 'object' || value === null) return value
    // A list that holds itself by an alias has no end.
    if (depth > inputLimits.depth) throw new Error(tooMuch.depth)
    this.#met.add(value)
    if (Array.isArray(value)) return value.map((item) => this.of(item, depth + 1, isCopy))
    const copy: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(value)) {
      this.#count(key.length)
      const inner = this.of(item, depth + 1, isCopy)
      if (key === '__proto__') Object.defineProperty(copy, key, { value: inner, enumerable: true, configurable: true, writable: true })
      else copy[key] = inner
    }
    return copy
  }

  #count(characters: number): void {
    this.#characters += characters
    if (this.#characters > inputLimits.bodyBytes) {
      throw new Error(`its aliases make it longer than ${inputLimits.bodyBytes} characters: document contains excessive aliasing`)
    }
  }
}
