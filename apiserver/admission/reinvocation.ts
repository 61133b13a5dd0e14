import type { KubeObject } from '../../shared/objects/object.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'

/**
 * `reinvocationPolicy: IfNeeded`: which of those that may change an object have seen it before somebody else changed it, and wish to see it once
 * more.
 */
export class Reinvocation<T> {
  /** Asked, and to be asked again should the object change. */
  #waiting = new Set<T>()
  readonly #due = new Set<T>()
  #left: string | undefined

  /** It has been asked, and wishes to be again. */
  wish(one: T): void {
    this.#waiting.add(one)
  }

  objectChanged(): void {
    for (const one of this.#waiting) this.#due.add(one)
    this.#waiting = new Set()
  }

  isDue(one: T): boolean {
    return this.#due.has(one)
  }

  /** Keeps the state in which the object was left, where somebody would like to know of another. */
  remember(object: KubeObject | undefined): void {
    this.#left = this.#waiting.size + this.#due.size > 0 ? writeExactJson(object) : undefined
  }

  /** Whether the object is in another state than the one remembered. */
  isOther(object: KubeObject | undefined): boolean {
    return this.#left !== undefined && writeExactJson(object) !== this.#left
  }
}
