import { isObject, type JsonObject, setOwn } from './json-value.ts'

/**
 * Names of keys that `rfc6902` skips or drops, because in a program they mean an object's nature. In data they are names like others (of
 * a ConfigMap's key, say), so they wear a NUL while the library has the document; names that wear one already get another.
 */
const ODD = /^\0*(__proto__|constructor|prototype)$/

/** The odd names of one document and what is put into it. */
export class HiddenNames {
  #any = false

  hideName(name: string): string {
    if (name.length < 9 || !ODD.test(name)) return name
    this.#any = true
    return `\0${name}`
  }

  showName(name: string): string {
    return name.startsWith('\0') && ODD.test(name) ? name.slice(1) : name
  }

  /** A copy that shares nothing with the original, with such names hidden. */
  hide(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((item) => this.hide(item))
    const copy: JsonObject = {}
    for (const [name, item] of Object.entries(value)) copy[this.hideName(name)] = this.hide(item)
    return copy
  }

  /** Takes back what `hide` did. The value is given up: parts of it live on in the answer. */
  show(value: unknown): unknown {
    if (!this.#any) return value
    if (Array.isArray(value)) return value.map((item) => this.show(item))
    if (!isObject(value)) return value
    const shown: JsonObject = {}
    for (const [name, item] of Object.entries(value)) setOwn(shown, this.showName(name), this.show(item))
    return shown
  }
}
