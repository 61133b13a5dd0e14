import type { PodInfo } from '../pod-info.ts'

/**
 * Finds those of many questions that may be about a pod without asking each of them. A mark is something that every such pod carries: a label with its
 * value, or that together with the namespace. A question that names no mark is asked of every pod.
 */
export class MarkIndex<T> {
  readonly #byMark = new Map<string, Set<T>>()
  readonly #unmarked = new Set<T>()
  /** Under which mark each is filed. */
  readonly #filed = new Map<T, string | undefined>()

  /** Filed under the mark that the fewest others share. */
  add(question: T, marks: readonly string[]): void {
    let chosen: string | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const mark of marks) {
      const shared = this.#byMark.get(mark)?.size ?? 0
      if (shared >= fewest) continue
      chosen = mark
      fewest = shared
    }
    this.#filed.set(question, chosen)
    if (chosen === undefined) return void this.#unmarked.add(question)
    const filed = this.#byMark.get(chosen)
    if (filed) filed.add(question)
    else this.#byMark.set(chosen, new Set([question]))
  }

  delete(question: T): void {
    const mark = this.#filed.get(question)
    this.#filed.delete(question)
    if (mark === undefined) return void this.#unmarked.delete(question)
    const filed = this.#byMark.get(mark)
    filed?.delete(question)
    if (filed?.size === 0) this.#byMark.delete(mark)
  }

  /** Calls back for each that may be about the pod; for some that are not, too. */
  visit({ marks }: PodInfo, visitor: (question: T) => void): void {
    for (const question of this.#unmarked) visitor(question)
    if (this.#byMark.size === 0) return
    for (const mark of marks) for (const question of this.#byMark.get(mark) ?? []) visitor(question)
  }
}

/** A label with its value, wherever the pod is. */
export function mark(key: string, value: string): string {
  return `${key}=${value}`
}

/** A label with its value in one namespace. */
export function localMark(namespace: string, key: string, value: string): string {
  return `${namespace}:${key}=${value}`
}

/** The controller that owns the pod, by its uid. Labels begin with letters or digits. */
export function ownerMark(uid: string): string {
  return `@${uid}`
}
