import type { Mark } from '../storage.ts'

/** Marks that are kept; older ones are forgotten. The compactor takes one every half minute and remembers them itself. */
const MOST = 20_000

/** When changes came, and how many bytes of values had come till then: what etcd does not know. */
export class EtcdMarks {
  #marks: Mark[] = []
  #bytes = 0

  add(revision: number, time: number, bytes: number): void {
    this.#bytes += bytes
    this.#marks.push({ revision, time, bytes: this.#bytes })
    if (this.#marks.length >= MOST) this.#marks = this.#marks.slice(MOST / 2)
  }

  find(revision: number): Mark | undefined {
    let low = 0
    let high = this.#marks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#marks[middle]!.revision < revision) low = middle + 1
      else high = middle
    }
    const found = this.#marks[low]
    return found?.revision === revision ? found : undefined
  }
}
